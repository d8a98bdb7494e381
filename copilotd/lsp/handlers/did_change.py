"""`textDocument/didChange`: keeps the file up to date, and sees completions being accepted."""

from lsprotocol import types

from copilotd.lsp.server import EditorServer


def did_change(ls: EditorServer, params: types.DidChangeTextDocumentParams) -> None:
    """Apply the edits.

    eglot and Helix do not run an item's command, so an edit that carries out the last offer
    counts as its acceptance. The service counts an id once, should the command follow.
    """
    identifier, changes = params.text_document, params.content_changes
    cursor = ls.documents.change(identifier, changes, ls.encoding)
    snapshot = ls.documents.get(identifier.uri)
    if snapshot is None:
        return
    ls.completion.changed(snapshot.document, cursor, ls.client_id)
    if id := ls.offers.taken(snapshot, changes):
        ls.completion.accept(id)
