"""`textDocument/didClose`."""

from lsprotocol import types

from copilotd.lsp.server import EditorServer


def did_close(ls: EditorServer, params: types.DidCloseTextDocumentParams) -> None:
    """Forget a file, and what was offered in it."""
    ls.documents.close(params.text_document.uri)
    ls.offers.forget(params.text_document.uri)
