"""`textDocument/didOpen`."""

from lsprotocol import types

from copilotd.lsp.server import EditorServer


def did_open(ls: EditorServer, params: types.DidOpenTextDocumentParams) -> None:
    """Begin to follow a file."""
    ls.documents.open(params.text_document, ls.folders)
