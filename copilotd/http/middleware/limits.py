"""How much clients may ask for at a time, and how much one may send."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copilotd.http.shared.error_bodies import SERVER_ERROR, ErrorDetail
from copilotd.http.shared.errors import error_response

MAX_BODY = 8 * 1024 * 1024
"""Bytes: far more than any context holds, far less than would hurt."""

_AGAIN = {"Retry-After": "1"}
_AT_ONCE = ("/health", "/admin/status", "/admin/stop")
"""What keeps nothing busy, and has to work when everything else is."""


class RequestLimit:
    """ASGI middleware: of more than `most` requests at a time, the last is told to come again."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it until its answer is sent, or answer 503."""
        if scope["type"] != "http" or scope["path"] in _AT_ONCE:
            await self._app(scope, receive, send)
        elif self._running >= self._most:
            await error_response(scope["path"], 503, _full(self._most), _AGAIN)(
                scope, receive, send
            )
        else:
            self._running += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._running -= 1


def _full(most: int) -> ErrorDetail:
    return ErrorDetail(
        message=f"{most} requests are under way already; server.max_requests sets the limit.",
        type=SERVER_ERROR,
        code="too_many_requests",
    )


class BodyLimit:
    """ASGI middleware: reading a body beyond `MAX_BODY` bytes raises 413.

    A length that the client announces is judged before anything is read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that counts."""
        if scope["type"] == "http":
            await self._app(scope, _counted(scope, receive), send)
        else:
            await self._app(scope, receive, send)


def _counted(scope: Scope, receive: Receive) -> Receive:
    length = Headers(scope=scope).get("content-length", "")
    announced = int(length) if length.isdecimal() else 0
    received = 0

    async def counted() -> Message:
        nonlocal received
        _check(announced)
        message = await receive()
        received += len(message.get("body", b""))
        _check(received)
        return message

    return counted


def _check(size: int) -> None:
    if size > MAX_BODY:
        raise HTTPException(413, f"The body exceeds {MAX_BODY} bytes.")
