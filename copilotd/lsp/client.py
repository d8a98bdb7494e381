"""One connected editor, as the handlers see it.

A client holds everything that belongs to one connection. The services are shared by all.
"""

import asyncio
from typing import Any

from lsprotocol import types
from pygls.progress import Progress

from copilotd.completion.types import Outcome
from copilotd.lsp.documents import MAX_CHARACTERS, Documents
from copilotd.lsp.error_messages import ErrorMessages
from copilotd.lsp.longer_completion import LONGER, CompletionFollower
from copilotd.lsp.offered_items import OfferedItem, OfferedItems
from copilotd.lsp.positions import Encoding
from copilotd.lsp.server import EditorServer
from copilotd.serving.services import Services
from copilotd.tools.change import FileChange

_MAX_CHANGES = 20


class Client:
    """The state of one connection, and messages to its editor.

    `id` is unique, so that two windows of one editor do not cancel each other's requests. `name` is
    how the editor introduces itself; it is empty before that. `has_ghost_text` means that the
    editor requests inline completions and needs no menu items. `initialized` is set when the editor
    accepts messages. `last_outcome` is the outcome of the newest completion request that was not
    cancelled. `changes` are the file changes that tools made, by the id of the tool call.
    """

    def __init__(self, number: int, server: EditorServer, services: Services) -> None:
        self.id = f"lsp-{number}"
        self.name = ""
        self.has_ghost_text = False
        self.initialized = asyncio.Event()
        self.documents = Documents()
        self.offered_items = OfferedItems()
        self.last_outcome: Outcome | None = None
        self.error_messages = ErrorMessages(self._show_error)
        self.follower = CompletionFollower(services.completion, self._announce_longer)
        self.tool_runner = services.tools.create_runner()
        self.changes: dict[str, FileChange] = {}
        self._unfollowed: set[str] = set()
        self._server = server

    @property
    def encoding(self) -> Encoding:
        """The unit of columns on this connection."""
        return Encoding(types.PositionEncodingKind(self._server.workspace.position_encoding).value)

    @property
    def folders(self) -> tuple[str, ...]:
        """The URIs of the workspace's folders."""
        workspace = self._server.workspace
        folders = tuple(folder.uri for folder in workspace.folders.values())
        return folders or ((workspace.root_uri,) if workspace.root_uri else ())

    @property
    def capabilities(self) -> types.ClientCapabilities:
        """The capabilities that the editor declares."""
        return self._server.client_capabilities

    @property
    def progress(self) -> Progress:
        """The editor's progress bars."""
        return self._server.work_done_progress

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._server.protocol.notify(method, params)

    async def request(self, method: str, params: Any) -> Any:
        """Send a request and wait for the answer; cancelling cancels it in the editor too.

        Raises: JsonRpcException if the editor answers with an error.
        """
        return await self._server.protocol.send_cancellable_request(method, params)

    def record_change(self, id: str, change: FileChange) -> None:
        """Remember the change that the call `id` made.

        Only the latest changes are kept, because they hold whole files.
        """
        self.changes[id] = change
        while len(self.changes) > _MAX_CHANGES:
            del self.changes[next(iter(self.changes))]

    def stop_following(self, uri: str) -> None:
        """Forget a file that is too large for suggestions, and tell the user once."""
        self.documents.close(uri)
        if not uri or uri in self._unfollowed:
            return
        self._unfollowed.add(uri)
        name = uri.rpartition("/")[2]
        text = (
            f"copilotd: {name} is too large for suggestions; the limit is "
            f"{MAX_CHARACTERS:,} characters"
        )
        self._server.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))

    def _announce_longer(self, item: OfferedItem) -> None:
        document = item.snapshot.document
        if self.documents.get(document.uri) is item.snapshot:
            identifier = {"uri": document.uri, "version": document.version}
            self.notify(LONGER, {"textDocument": identifier})

    def _show_error(self, text: str) -> None:
        message = types.ShowMessageParams(type=types.MessageType.Error, message=text)
        self._server.window_show_message(message)
