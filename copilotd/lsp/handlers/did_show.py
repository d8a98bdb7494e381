"""`textDocument/didShowCompletion`: Copilot's notification that ghost text was drawn."""

from typing import Any

from copilotd.lsp.handlers.item import item_id
from copilotd.lsp.server import EditorServer


def did_show(ls: EditorServer, params: Any) -> None:
    """Pass it on; `params` is `{item}`, the item as the server sent it."""
    if id := item_id(params):
        ls.completion.shown(id)
