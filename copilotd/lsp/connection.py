"""One editor's connection, from its first byte to its last."""

import asyncio
import logging

from copilotd.engine.interface import Engine
from copilotd.lsp.client import Client
from copilotd.lsp.framing import TooLong, read_message
from copilotd.lsp.server import EditorServer
from copilotd.lsp.status_report import report_engine_state

log = logging.getLogger(__name__)

MAX_UNREAD_BYTES = 16 * 1024 * 1024
"""An editor that leaves more than this unread has stopped reading, and is disconnected."""


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
        await _answer(server, client, reader)
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


async def _answer(server: EditorServer, client: Client, reader: asyncio.StreamReader) -> None:
    """Pass on each message once the files are as they were when the editor sent it."""
    while (message := await read_message(reader)) is not None:
        await client.documents.settle()
        if isinstance(message, TooLong):
            server.protocol.refuse(message)
            if message.id is None:
                client.stop_following(message.uri)
        else:
            server.protocol.receive(message)
        # The handler starts to run before the next message is read.
        await asyncio.sleep(0)


class MessageWriter:
    """The stream that pygls writes to. It drops answers for an editor that has left."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Send `data`."""
        if self._writer.is_closing():
            return
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            log.warning("an editor does not read its messages; its connection is closed")
            self._writer.transport.abort()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()
