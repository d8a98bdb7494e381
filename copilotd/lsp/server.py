"""The language server of one connection: what its handlers share."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcInternalError
from pygls.lsp.server import LanguageServer

from copilotd import __version__
from copilotd.completion.service import CompletionService
from copilotd.completion.types import Outcome
from copilotd.lsp.documents import Documents
from copilotd.lsp.error_messages import Notices
from copilotd.lsp.longer_completion import LONGER, Growth
from copilotd.lsp.offered_items import Offer, Offers
from copilotd.lsp.positions import Encoding
from copilotd.lsp.protocol import EditorProtocol
from copilotd.serving.registry import ServedModel
from copilotd.serving.status import DaemonStatus
from copilotd.tools.change import Change
from copilotd.tools.registry import Toolset

if TYPE_CHECKING:
    from pygls.server import ServerErrors

log = logging.getLogger(__name__)

_CHANGES_KEPT = 20


class EditorServer(LanguageServer):
    """Speaks with one editor; built when it connects, gone when it leaves.

    `client` is the name the editor gives itself, empty before it has. `client_id` is unique, so
    that two windows of one editor do not cancel each other's requests. `has_ghost_text` says
    that the editor asks for inline completions and needs no fallback. `initialized` is set once
    the editor accepts messages. `talker` is the model for chat and edits, `last_outcome` what came
    of the last request for ghost text that was not cancelled. `runner` runs this editor's tools, of
    those in `toolset`; `changes` are those they made, by the id of the call.
    """

    protocol: EditorProtocol

    def __init__(
        self,
        number: int,
        completion: CompletionService,
        talker: ServedModel,
        status: Callable[[], DaemonStatus],
        toolset: Toolset,
        converter: Converter,
    ) -> None:
        super().__init__(
            "copilotd",
            __version__,
            protocol_cls=EditorProtocol,
            converter_factory=lambda: converter,
        )
        self.client_id = f"lsp-{number}"
        self.client = ""
        self.has_ghost_text = False
        self.initialized = asyncio.Event()
        self.completion = completion
        self.talker = talker
        self.last_outcome: Outcome | None = None
        self.status = status
        self.toolset = toolset
        self.runner = toolset.runner()
        self.changes: dict[str, Change] = {}
        self.documents = Documents()
        self.offers = Offers()
        self.notices = Notices(self._show_error)
        self.growth = Growth(completion, self._tell_of_more)

    @property
    def encoding(self) -> Encoding:
        """What columns count on this connection."""
        return Encoding(types.PositionEncodingKind(self.workspace.position_encoding).value)

    @property
    def folders(self) -> tuple[str, ...]:
        """The URIs of the workspace's folders."""
        root = self.workspace.root_uri
        return tuple(f.uri for f in self.workspace.folders.values()) or ((root,) if root else ())

    def report_server_error(self, error: Exception, source: "ServerErrors") -> None:
        """Log an error of a handler; the editor has its response, and the user no use for it."""
        details = error.data if isinstance(error, JsonRpcInternalError) and error.data else {}
        log.error("%s: %s\n%s", source.__name__, error, "".join(details.get("traceback", ())))

    def changed(self, id: str, change: Change) -> None:
        """The call `id` made `change`. The last ones are kept, for they hold whole files."""
        self.changes[id] = change
        while len(self.changes) > _CHANGES_KEPT:
            del self.changes[next(iter(self.changes))]

    def _tell_of_more(self, offer: Offer) -> None:
        document = offer.snapshot.document
        if self.documents.get(document.uri) is offer.snapshot:
            identifier = {"uri": document.uri, "version": document.version}
            self.protocol.notify(LONGER, {"textDocument": identifier})

    def _show_error(self, text: str) -> None:
        message = types.ShowMessageParams(type=types.MessageType.Error, message=text)
        self.window_show_message(message)
