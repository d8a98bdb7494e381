"""How much a client may send."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 8 * 1024 * 1024
"""Bytes: far more than any context holds, far less than would hurt."""


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
