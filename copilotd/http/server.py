"""Serves the application in the daemon's own event loop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copilotd.config import ServerSection
from copilotd.errors import DaemonError
from copilotd.http.slow_clients import TimedProtocol
from copilotd.http.sockets import check_reach, forget_unix, listen_tcp, listen_unix

_GRACE_S = 0.6
"""How long requests may take to end once they are told to; then their connections are cut."""

_LAST_S = 0.2
"""How long they may take after that; then they are cancelled."""

_MAX_HEAD = 32 * 1024
"""Bytes of a request's line and headers that are waited for; GitHub's token alone can be 2 KB."""


class HttpFront:
    """One uvicorn server on a TCP port, and on a unix socket if the settings name one."""

    def __init__(
        self, app: ASGIApp, settings: ServerSection, protocol: type[TimedProtocol] = TimedProtocol
    ) -> None:
        self._settings = settings
        self._closing = asyncio.Event()
        self._server = _Server(_config(_Endable(app, self._closing), protocol))
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Begin to listen; returns the base URL.

        Raises:
            PortInUse: names the program that holds the port.
            StartFailed: the address cannot be listened on, or not without the token.
        """
        settings = self._settings
        check_reach(settings)
        sockets = [listen_tcp(settings.host, settings.port)]
        url = _url(settings.host, sockets[0].getsockname()[1])
        if settings.unix_socket:
            try:
                sockets.append(listen_unix(Path(settings.unix_socket)))
            except DaemonError:
                sockets[0].close()
                raise
        self._serving = asyncio.create_task(self._server.serve(sockets))
        return url

    async def close(self) -> None:
        """End every request and every connection, within a second; a second call does nothing."""
        if self._serving is None:
            return
        self._closing.set()
        self._server.should_exit = True
        await asyncio.wait((self._serving,), timeout=_GRACE_S)
        await self._abandon(self._serving)
        self._serving = None
        if self._settings.unix_socket:
            forget_unix(Path(self._settings.unix_socket))

    async def _abandon(self, serving: asyncio.Task[None]) -> None:
        """Hang up on what did not end by itself: a client that does not read holds its task up."""
        state = self._server.server_state
        for connection in tuple(state.connections):
            connection.transport.abort()
        left = (serving, *state.tasks)
        await asyncio.wait(left, timeout=_LAST_S)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


class _Server(uvicorn.Server):
    """The daemon handles signals; uvicorn leaves them alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Endable:
    """Tells every request that its client is gone as soon as the server is closing.

    So an open stream ends in the way it knows, and frees the engine.
    """

    def __init__(self, app: ASGIApp, closing: asyncio.Event) -> None:
        self._app = app
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_or_end() -> Message:
            return await _first(receive, self._closing)

        await self._app(scope, receive_or_end, send)


async def _first(receive: Receive, closing: asyncio.Event) -> Message:
    receiving = asyncio.ensure_future(receive())
    ending = asyncio.ensure_future(closing.wait())
    try:
        await asyncio.wait((receiving, ending), return_when=asyncio.FIRST_COMPLETED)
        return receiving.result() if receiving.done() else {"type": "http.disconnect"}
    finally:
        receiving.cancel()
        ending.cancel()


def _config(app: ASGIApp, protocol: type[TimedProtocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=protocol.patience.idle_s,
        h11_max_incomplete_event_size=_MAX_HEAD,
        # A header from the client must not change the scheme, which the check of Origin uses.
        proxy_headers=False,
    )


def _url(host: str, port: int) -> str:
    """Where a program on this machine reaches the server."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
