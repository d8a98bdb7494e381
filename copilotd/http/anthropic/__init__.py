"""Anthropic's dialect: /v1/messages, and the count of a conversation's tokens."""

from copilotd.http.anthropic.errors import ERRORS
from copilotd.http.anthropic.router import router

__all__ = ["ERRORS", "router"]
