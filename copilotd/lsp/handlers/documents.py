"""`textDocument/didOpen`, `didChange`, `didClose` and `didFocus`: follow the open files."""

from typing import Any

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from copilotd.lsp.changes import FileChanges
from copilotd.lsp.client import Client
from copilotd.lsp.documents import FileTooLarge
from copilotd.serving.services import Services


def did_open(params: types.DidOpenTextDocumentParams, services: Services, client: Client) -> None:
    """Begin to follow a file. The user is probably looking at it."""
    try:
        client.documents.open(params.text_document, client.folders)
    except FileTooLarge:
        client.stop_following(params.text_document.uri)
    if snapshot := client.documents.get(params.text_document.uri):
        services.completion.on_focus(snapshot.document)


async def did_change(params: Any, services: Services, client: Client) -> None:
    """Apply the changes, and detect whether they accept the last item.

    eglot and Helix do not run the item's command, so the change itself counts as the acceptance.
    The service counts each id once, in case the command follows. After a message that cannot be
    understood no file is followed, because its text is no longer known.
    """
    try:
        parsed = msgspec.convert(params, FileChanges)
    except msgspec.ValidationError as error:
        client.documents.close_all()
        raise JsonRpcInvalidParams(str(error)) from error
    identifier, changes = parsed.text_document, parsed.content_changes
    try:
        cursor = await client.documents.change(identifier, changes, client.encoding)
    except FileTooLarge:
        client.stop_following(identifier.uri)
    snapshot = client.documents.get(identifier.uri)
    if snapshot is None:
        return
    services.completion.on_change(snapshot.document, cursor, client.id)
    longest = max((len(change.text) for change in changes), default=0)
    if id := client.offered_items.take_accepted(snapshot, longest):
        services.completion.accept(id)


def did_close(params: types.DidCloseTextDocumentParams, services: Services, client: Client) -> None:
    """Forget a file and the item that was offered in it."""
    client.documents.close(params.text_document.uri)
    client.offered_items.forget(params.text_document.uri)


def did_focus(params: Any, services: Services, client: Client) -> None:
    """Prepare for a request in a file; `params` is `{textDocument: {uri}}`.

    Copilot's clients send this notification when the user switches to another file.
    """
    match params:
        case {"textDocument": {"uri": str(uri)}}:
            if snapshot := client.documents.get(uri):
                services.completion.on_focus(snapshot.document)
