"""The pygls server of one connection. Handlers do not see it; they get a `Client`."""

import logging
from typing import TYPE_CHECKING

from cattrs import Converter
from pygls.exceptions import JsonRpcInternalError
from pygls.lsp.server import LanguageServer

from copilotd import __version__
from copilotd.lsp.protocol import EditorProtocol

if TYPE_CHECKING:
    from pygls.server import ServerErrors

log = logging.getLogger(__name__)


class EditorServer(LanguageServer):
    """Speaks to one editor. It is created when the editor connects and dropped when it leaves."""

    protocol: EditorProtocol

    def __init__(self, converter: Converter) -> None:
        super().__init__(
            "copilotd",
            __version__,
            protocol_cls=EditorProtocol,
            converter_factory=lambda: converter,
        )

    def report_server_error(self, error: Exception, source: "ServerErrors") -> None:
        """Log a handler's error. The editor has its response already, and the user cannot act."""
        details = error.data if isinstance(error, JsonRpcInternalError) and error.data else {}
        log.error("%s: %s\n%s", source.__name__, error, "".join(details.get("traceback", ())))
