"""`initialize`: who the client is, and whether it needs the fallback."""

from lsprotocol import types

from copilotd.lsp.handlers.completion import completion
from copilotd.lsp.server import EditorServer

_TRIGGERS = [".", "(", "[", "{", "=", ",", ":"]


def initialize(ls: EditorServer, params: types.InitializeParams) -> None:
    """Take the client's name; offer menu items to one that declares no inline completion."""
    ls.client = params.client_info.name if params.client_info else "unknown editor"
    document = params.capabilities.text_document
    ls.has_ghost_text = bool(document and document.inline_completion)
    if not ls.has_ghost_text:
        options = types.CompletionOptions(trigger_characters=_TRIGGERS)
        ls.feature(types.TEXT_DOCUMENT_COMPLETION, options)(completion)
