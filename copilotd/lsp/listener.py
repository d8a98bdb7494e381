"""Listens for editors: on a unix socket, or on loopback TCP where there are no unix sockets."""

import asyncio
import logging
import socket
from pathlib import Path

from copilotd.errors import StartFailed
from copilotd.lsp.client import Client
from copilotd.lsp.connection import serve
from copilotd.lsp.handlers import register
from copilotd.lsp.protocol import build_converter
from copilotd.lsp.server import EditorServer
from copilotd.paths import Paths, has_unix_sockets
from copilotd.serving.services import Services


class LspListener:
    """Serves any number of editors in the running loop, each with its own language server."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._converter = build_converter()
        self._connections: dict[asyncio.Task[None], Client] = {}
        self._accepted = 0
        self._listener: asyncio.Server | None = None
        self._socket_file: Path | None = None

    async def start(self, paths: Paths) -> str:
        """Begin to listen; returns the path of the unix socket, or host:port.

        Raises:
            StartFailed: the socket cannot be created.

        """
        _keep_code_out_of_the_log()
        if not has_unix_sockets():
            self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            host, port = self._listener.sockets[0].getsockname()
            return f"{host}:{port}"
        listening = _bind_unix_socket(paths.socket)
        self._socket_file = paths.socket
        self._listener = await asyncio.start_unix_server(self._accept, sock=listening)
        return str(paths.socket)

    async def close(self) -> None:
        """Close all connections and stop listening."""
        if self._listener is not None:
            self._listener.close()
        if self._socket_file is not None:
            self._socket_file.unlink(missing_ok=True)
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def clients(self) -> tuple[str, ...]:
        """The names of the connected editors that have introduced themselves."""
        return tuple(client.name for client in self._connections.values() if client.name)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted += 1
        server = EditorServer(self._converter)
        client = Client(self._accepted, server, self._services)
        register(server, self._services, client)
        engine = self._services.models.completion.engine
        task = asyncio.create_task(serve(server, client, engine, reader, writer))
        self._connections[task] = client
        task.add_done_callback(self._connections.pop)


def _bind_unix_socket(path: Path) -> socket.socket:
    """A socket that only this user can reach. It replaces one that a dead daemon left."""
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
        raise StartFailed(f"cannot create a socket at {path}: {error}", _hint(path)) from error
    return bound


def _hint(path: Path) -> str:
    return (
        f"The path has {len(str(path).encode())} bytes; many systems allow at most 103. "
        "Point XDG_RUNTIME_DIR at a folder of your own with a short path."
    )


def _keep_code_out_of_the_log() -> None:
    # pygls logs whole messages at INFO, and parameters with the user's code at ERROR. EditorServer
    # logs the errors of handlers instead.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
