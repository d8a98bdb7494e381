"""Limits the number of requests that run at a time, and the size of a request's body."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copilotd.http.shared.error_bodies import SERVER_ERROR, ErrorDetail
from copilotd.http.shared.errors import ErrorResponses

MAX_BODY = 8 * 1024 * 1024
"""In bytes. Far more than any context holds, and far less than would exhaust the memory."""

_RETRY = {"Retry-After": "1"}
_UNLIMITED = ("/health", "/admin/status", "/admin/stop")
"""Cheap requests that must work even if everything else is busy."""


class RequestLimit:
    """ASGI middleware that answers 503 to a request while `limit` others run."""

    def __init__(self, app: ASGIApp, limit: int, errors: ErrorResponses) -> None:
        self._app = app
        self._limit = limit
        self._errors = errors
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it until its response is sent, or answer 503."""
        if scope["type"] != "http" or scope["path"] in _UNLIMITED:
            await self._app(scope, receive, send)
        elif self._running >= self._limit:
            detail = _build_detail(self._limit)
            await self._errors.build(scope["path"], 503, detail, _RETRY)(scope, receive, send)
        else:
            self._running += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._running -= 1


def _build_detail(limit: int) -> ErrorDetail:
    return ErrorDetail(
        message=f"{limit} requests are already running; server.max_requests sets the limit.",
        type=SERVER_ERROR,
        code="too_many_requests",
    )


class BodyLimit:
    """ASGI middleware: reading a body of more than `MAX_BODY` bytes raises 413.

    If the client declares a larger Content-Length, nothing of the body is read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that counts bytes."""
        if scope["type"] == "http":
            await self._app(scope, _count_bytes(scope, receive), send)
        else:
            await self._app(scope, receive, send)


def _count_bytes(scope: Scope, receive: Receive) -> Receive:
    length = Headers(scope=scope).get("content-length", "")
    declared = int(length) if length.isdecimal() else 0
    received = 0

    async def receive_and_count() -> Message:
        nonlocal received
        _check_size(declared)
        message = await receive()
        received += len(message.get("body", b""))
        _check_size(received)
        return message

    return receive_and_count


def _check_size(size: int) -> None:
    if size > MAX_BODY:
        raise HTTPException(413, f"The body exceeds {MAX_BODY} bytes.")
