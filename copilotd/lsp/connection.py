"""One editor's connection, from its first byte to its last."""

import asyncio
import logging
from threading import Event

from pygls.io_ import run_async

from copilotd.engine.interface import Engine
from copilotd.lsp.server import EditorServer
from copilotd.lsp.status_report import show_engine_state

log = logging.getLogger(__name__)


async def serve(
    ls: EditorServer,
    engine: Engine,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Answer the editor until it leaves, then free what it was using.

    Whatever one connection does, or however it breaks, ends here and touches no other.
    """
    ls.protocol.set_writer(Outlet(writer))
    watching = asyncio.create_task(show_engine_state(ls, engine))
    try:
        await run_async(Event(), Inlet(reader), ls.protocol, log)
    except SystemExit:
        log.debug("%s said `exit`", ls.client)
    except (OSError, EOFError, ValueError) as error:
        log.info("%s: the connection broke (%s)", ls.client, type(error).__name__)
    finally:
        watching.cancel()
        ls.growth.end()
        await asyncio.wait([watching])
        await ls.protocol.cancel_requests()
        writer.close()


class Inlet:
    """What pygls reads from."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def readline(self) -> bytes:
        """The next header line; empty at the end of the connection.

        The handler of a request starts running before the next message is read, so that it sees
        the files as they were when the request was sent.
        """
        await asyncio.sleep(0)
        line = await self._reader.readline()
        return line if _is_header(line) else b""

    async def readexactly(self, n: int) -> bytes:
        """The next `n` bytes. Raises: asyncio.IncompleteReadError."""
        return await self._reader.readexactly(n)


class Outlet:
    """What pygls writes to; answers for an editor that has left go nowhere."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Send `data`."""
        if not self._writer.is_closing():
            self._writer.write(data)

    def close(self) -> None:
        """End the connection."""
        self._writer.close()


def _is_header(line: bytes) -> bool:
    # Any web page can send an HTTP request to a TCP port, with an LSP message as its body: the
    # request line is what gives it away.
    return not line.strip() or line.lower().startswith(b"content-")
