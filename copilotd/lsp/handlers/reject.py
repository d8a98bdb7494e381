"""`workspace/executeCommand`: `copilotd.reject` with the id of a completion."""

from typing import Any

from copilotd.lsp.handlers.arguments import only_id
from copilotd.lsp.server import EditorServer


def reject(ls: EditorServer, *arguments: Any) -> None:
    """The user dismissed the completion."""
    ls.completion.reject(only_id(arguments))
