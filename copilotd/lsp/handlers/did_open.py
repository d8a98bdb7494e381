"""`textDocument/didOpen`."""

from lsprotocol import types

from copilotd.lsp.server import EditorServer


def did_open(ls: EditorServer, params: types.DidOpenTextDocumentParams) -> None:
    """Begin to follow a file, which is probably the one the user looks at."""
    ls.documents.open(params.text_document, ls.folders)
    if snapshot := ls.documents.get(params.text_document.uri):
        ls.completion.opened(snapshot.document)
