"""`textDocument/didPartiallyAcceptCompletion`: the user took the first words of a completion."""

from typing import Any

from copilotd.lsp.handlers.item import item_id, item_text
from copilotd.lsp.positions import Encoding, code_points
from copilotd.lsp.server import EditorServer


def did_partially_accept(ls: EditorServer, params: Any) -> None:
    """Pass it on; `params` is `{item, acceptedLength}`.

    The length counts UTF-16 code units of the item's text, whatever positions count. Some
    clients send no more of the item than its command.
    """
    id = item_id(params)
    length = params.get("acceptedLength") if id else None
    if not id or not isinstance(length, int):
        return
    text = item_text(params) or ls.offers.text(id)
    if text is not None:
        ls.completion.accept(id, code_points(text, length, Encoding.UTF16))
