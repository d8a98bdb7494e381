"""`textDocument/didFocus`: Copilot's clients send it when the user turns to another file."""

from typing import Any

from copilotd.lsp.server import EditorServer


def did_focus(ls: EditorServer, params: Any) -> None:
    """Accept the notification. Every request names its own file, so nothing depends on it."""
