"""Serves the HTTP application in the daemon's own event loop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copilotd.config import ServerSection
from copilotd.errors import DaemonError
from copilotd.http.slow_clients import TimedProtocol
from copilotd.http.sockets import check_reach, listen_tcp, listen_unix, remove_socket_file

_GRACE_S = 0.6
"""Time for requests to end by themselves when the server closes; then their connections are cut."""

_ABORT_S = 0.2
"""Time for them to end after that; then their tasks are cancelled."""

_MAX_HEAD = 32 * 1024
"""Limit for a request's line and headers, in bytes; GitHub's token alone can have 2 KB."""


class HttpServer:
    """One uvicorn server on a TCP port, and on a unix socket if the settings name one."""

    def __init__(
        self, app: ASGIApp, settings: ServerSection, protocol: type[TimedProtocol] = TimedProtocol
    ) -> None:
        self._settings = settings
        self._closing = asyncio.Event()
        self._server = _Server(_build_config(_DisconnectOnClose(app, self._closing), protocol))
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Start to listen; returns the base URL.

        Raises:
            PortInUse: another program uses the port; the message names it.
            StartFailed: the address does not work, or is only allowed together with the token.
        """
        settings = self._settings
        check_reach(settings)
        sockets = [listen_tcp(settings.host, settings.port)]
        url = _build_url(settings.host, sockets[0].getsockname()[1])
        if settings.unix_socket:
            try:
                sockets.append(listen_unix(Path(settings.unix_socket)))
            except DaemonError:
                sockets[0].close()
                raise
        self._serving = asyncio.create_task(self._server.serve(sockets))
        return url

    async def close(self) -> None:
        """End all requests and connections, within a second; a second call does nothing."""
        if self._serving is None:
            return
        self._closing.set()
        self._server.should_exit = True
        await asyncio.wait((self._serving,), timeout=_GRACE_S)
        await self._abort(self._serving)
        self._serving = None
        if self._settings.unix_socket:
            remove_socket_file(Path(self._settings.unix_socket))

    async def _abort(self, serving: asyncio.Task[None]) -> None:
        """Cut the remaining connections, because a client that does not read blocks its task."""
        state = self._server.server_state
        for connection in tuple(state.connections):
            connection.transport.abort()
        tasks = (serving, *state.tasks)
        await asyncio.wait(tasks, timeout=_ABORT_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Server(uvicorn.Server):
    """A uvicorn server without signal handlers: the daemon has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _DisconnectOnClose:
    """ASGI middleware that reports a disconnect to every request once the server is closing.

    An open stream then ends as if its client had hung up, and frees the engine.
    """

    def __init__(self, app: ASGIApp, closing: asyncio.Event) -> None:
        self._app = app
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_until_closing() -> Message:
            return await _receive_or_disconnect(receive, self._closing)

        await self._app(scope, receive_until_closing, send)


async def _receive_or_disconnect(receive: Receive, closing: asyncio.Event) -> Message:
    receiving = asyncio.ensure_future(receive())
    waiting = asyncio.ensure_future(closing.wait())
    try:
        await asyncio.wait((receiving, waiting), return_when=asyncio.FIRST_COMPLETED)
        return receiving.result() if receiving.done() else {"type": "http.disconnect"}
    finally:
        receiving.cancel()
        waiting.cancel()


def _build_config(app: ASGIApp, protocol: type[TimedProtocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=protocol.timeouts.idle_s,
        h11_max_incomplete_event_size=_MAX_HEAD,
        # The check of Origin uses the scheme, so no header of a client may change it.
        proxy_headers=False,
    )


def _build_url(host: str, port: int) -> str:
    """The URL at which programs on this machine reach the server."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
