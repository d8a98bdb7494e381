"""Failures of a tool call. Their messages are written for the model.

ToolFailed
└── CallRefused
"""


class ToolFailed(Exception):
    """A call failed. The message says why, and what to do instead."""


class CallRefused(ToolFailed):
    """A call asks for something that no tool may do."""
