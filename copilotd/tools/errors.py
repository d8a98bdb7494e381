"""What goes wrong with a call; the messages are for the model."""


class ToolFailed(Exception):
    """A call did not work; the message says why, and how one would."""


class Refused(ToolFailed):
    """A call asks for what no tool does."""
