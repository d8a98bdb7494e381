"""Where editors connect: a unix socket, or TCP on loopback where there are none."""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path

from copilotd.completion.service import CompletionService
from copilotd.engine.interface import Engine
from copilotd.errors import StartFailed
from copilotd.lsp.connection import serve
from copilotd.lsp.handlers import register
from copilotd.lsp.protocol import message_converter
from copilotd.lsp.server import EditorServer
from copilotd.paths import Paths, has_unix_sockets
from copilotd.serving.registry import ServedModel
from copilotd.serving.status import DaemonStatus
from copilotd.tools.registry import Toolset


class LspFront:
    """Serves any number of editors, each with a language server of its own, in the running loop."""

    def __init__(
        self,
        completion: CompletionService,
        engine: Engine,
        talker: ServedModel,
        status: Callable[[], DaemonStatus],
        toolset: Toolset,
    ) -> None:
        self._completion = completion
        self._engine = engine
        self._talker = talker
        self._status = status
        self._toolset = toolset
        self._converter = message_converter()
        self._connections: dict[asyncio.Task[None], EditorServer] = {}
        self._accepted = 0
        self._listener: asyncio.Server | None = None
        self._socket_file: Path | None = None

    async def start(self, paths: Paths) -> str:
        """Begin to listen; the path of the unix socket, or host:port.

        Raises:
            StartFailed: the socket cannot be made.

        """
        _keep_code_out_of_the_log()
        if not has_unix_sockets():
            self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            host, port = self._listener.sockets[0].getsockname()
            return f"{host}:{port}"
        listening = _unix_socket(paths.socket)
        self._socket_file = paths.socket
        self._listener = await asyncio.start_unix_server(self._accept, sock=listening)
        return str(paths.socket)

    async def close(self) -> None:
        """Hang up on every editor and stop listening."""
        if self._listener is not None:
            self._listener.close()
        if self._socket_file is not None:
            self._socket_file.unlink(missing_ok=True)
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def clients(self) -> tuple[str, ...]:
        """The names of the editors that are connected and have introduced themselves."""
        return tuple(ls.client for ls in self._connections.values() if ls.client)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted += 1
        ls = EditorServer(
            self._accepted,
            self._completion,
            self._talker,
            self._status,
            self._toolset,
            self._converter,
        )
        register(ls)
        task = asyncio.create_task(serve(ls, self._engine, reader, writer))
        self._connections[task] = ls
        task.add_done_callback(self._connections.pop)


def _unix_socket(path: Path) -> socket.socket:
    """A socket that only this user can reach, in place of one that a dead daemon left."""
    bound = socket.socket(socket.AF_UNIX)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        if path.is_socket():
            path.unlink()
        bound.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        bound.close()
        raise StartFailed(f"no socket can be made at {path}: {error}", _hint(path)) from error
    return bound


def _hint(path: Path) -> str:
    return (
        f"The path has {len(str(path).encode())} bytes; many systems allow no more than 103. "
        "Point XDG_RUNTIME_DIR at a folder of your own with a short path."
    )


def _keep_code_out_of_the_log() -> None:
    # pygls writes whole messages at INFO, and parameters with the code in them at ERROR; what
    # goes wrong in a handler is logged by its server.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
