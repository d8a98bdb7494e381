"""The LSP handlers and their registration with a pygls server.

A handler is a function of the parameters, the services and the client. A handler for one open file
gets a snapshot of the file as its first argument. Each handler translates, delegates and translates
back.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from lsprotocol import types

from copilotd.lsp.client import Client
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.handlers.chat import chat
from copilotd.lsp.handlers.commands import last_completion, status
from copilotd.lsp.handlers.commit_message import commit_message
from copilotd.lsp.handlers.completion import OPTIONS, completion
from copilotd.lsp.handlers.documents import did_change, did_close, did_focus, did_open
from copilotd.lsp.handlers.edit import edit, undo_edit
from copilotd.lsp.handlers.feedback import accept, did_partially_accept, did_show, reject
from copilotd.lsp.handlers.inline_completion import inline_completion
from copilotd.lsp.handlers.session import initialize, initialized
from copilotd.lsp.offered_items import ACCEPT
from copilotd.lsp.server import EditorServer
from copilotd.serving.services import Services

Handler = Callable[..., Any]
DocumentHandler = Callable[[Snapshot | None, Any, Services, Client], Awaitable[Any]]
"""The snapshot is None if the file is not open."""
CommandHandler = Callable[[tuple[Any, ...], Services, Client], Any]


def register(server: EditorServer, services: Services, client: Client) -> None:
    """Give `server` all handlers; `initialize` adds the one that depends on the client."""

    def start_session(params: types.InitializeParams) -> None:
        initialize(params, services, client)
        if not client.has_ghost_text:
            feature(types.TEXT_DOCUMENT_COMPLETION, OPTIONS)(for_document(completion))

    def bind(handler: Handler) -> Handler:
        return partial(handler, services=services, client=client)

    feature = server.feature
    for_document = partial(_bind_document, services, client)
    command = partial(_bind_command, services, client)

    feature(types.INITIALIZE)(start_session)
    feature(types.INITIALIZED)(bind(initialized))
    feature(types.TEXT_DOCUMENT_DID_OPEN)(bind(did_open))
    feature(types.TEXT_DOCUMENT_DID_CHANGE)(bind(did_change))
    feature(types.TEXT_DOCUMENT_DID_CLOSE)(bind(did_close))
    feature("textDocument/didFocus")(bind(did_focus))
    # Some editors send this request without declaring support for it, so it is always announced.
    inline_options = types.InlineCompletionOptions()
    feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, inline_options)(for_document(inline_completion))
    feature("textDocument/didShowCompletion")(bind(did_show))
    feature("textDocument/didPartiallyAcceptCompletion")(bind(did_partially_accept))
    feature("copilotd/chat")(bind(chat))
    feature("copilotd/edit")(bind(edit))
    feature("copilotd/undoEdit")(bind(undo_edit))
    feature("copilotd/commitMessage")(bind(commit_message))
    server.command(ACCEPT)(command(accept))
    server.command("copilotd.reject")(command(reject))
    server.command("copilotd.status")(command(status))
    server.command("copilotd.lastCompletion")(command(last_completion))


def _bind_document(
    services: Services, client: Client, handler: DocumentHandler
) -> Callable[[Any], Awaitable[Any]]:
    async def respond(params: Any) -> Any:
        snapshot = client.documents.get(params.text_document.uri)
        return await handler(snapshot, params, services, client)

    return respond


def _bind_command(
    services: Services, client: Client, handler: CommandHandler
) -> Callable[..., Any]:
    def respond(*arguments: Any) -> Any:
        return handler(arguments, services, client)

    return respond
