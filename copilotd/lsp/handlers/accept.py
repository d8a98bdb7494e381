"""`workspace/executeCommand`: `copilotd.accept` with the id of a completion."""

from typing import Any

from copilotd.lsp.handlers.arguments import only_id
from copilotd.lsp.server import EditorServer


def accept(ls: EditorServer, *arguments: Any) -> None:
    """The user accepted the completion."""
    ls.completion.accept(only_id(arguments))
