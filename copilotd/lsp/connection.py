"""One editor's connection, from its first byte to its last."""

import asyncio
import logging
from threading import Event

from pygls.io_ import run_async

from copilotd.engine.interface import Engine
from copilotd.lsp.client import Client
from copilotd.lsp.server import EditorServer
from copilotd.lsp.status_report import report_engine_state

log = logging.getLogger(__name__)


async def serve(
    server: EditorServer,
    client: Client,
    engine: Engine,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Answer the editor until it leaves, then free everything that it used.

    No error leaves this function, so a broken connection does not affect another one.
    """
    server.protocol.set_writer(MessageWriter(writer))
    reporting = asyncio.create_task(report_engine_state(client, engine))
    try:
        await run_async(Event(), MessageReader(reader), server.protocol, log)
    except SystemExit:
        log.debug("%s sent `exit`", client.name)
    except (OSError, EOFError, ValueError) as error:
        log.info("%s: the connection broke (%s)", client.name, type(error).__name__)
    finally:
        reporting.cancel()
        client.follower.stop()
        await asyncio.wait([reporting])
        await server.protocol.cancel_requests()
        writer.close()


class MessageReader:
    """The stream that pygls reads from."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def readline(self) -> bytes:
        """The next header line; empty at the end of the connection.

        The handler of a request starts to run before the next message is read. So it sees the files
        as they were when the editor sent the request.
        """
        await asyncio.sleep(0)
        line = await self._reader.readline()
        return line if _is_header(line) else b""

    async def readexactly(self, n: int) -> bytes:
        """The next `n` bytes. Raises: asyncio.IncompleteReadError."""
        return await self._reader.readexactly(n)


class MessageWriter:
    """The stream that pygls writes to. It drops answers for an editor that has left."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Send `data`."""
        if not self._writer.is_closing():
            self._writer.write(data)

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


def _is_header(line: bytes) -> bool:
    # Any web page can send an HTTP request with an LSP message as its body to a TCP port. The
    # request line is no LSP header, so such a connection is closed.
    return not line.strip() or line.lower().startswith(b"content-")
