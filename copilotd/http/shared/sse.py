"""Answers that are sent while they are made, as server-sent events."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from copilotd.errors import CopilotdError
from copilotd.http.shared.disconnect import ClientGone, while_connected
from copilotd.http.shared.error_bodies import ErrorResponse
from copilotd.http.shared.errors import detail_of

log = logging.getLogger(__name__)

DONE = b"data: [DONE]\n\n"

STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `stream` in pieces, as server-sent events up to [DONE].",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
"""For the API page: what an endpoint answers that can stream."""


class EventStream(Response):
    """Sends frames as they come; a client that hangs up ends the work behind them."""

    media_type = "text/event-stream"

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        super().__init__(headers={"Cache-Control": "no-cache"})
        del self.headers["content-length"]
        self._first = first
        self._rest = rest

    @classmethod
    async def opened(cls, request: Request, frames: AsyncGenerator[bytes, None]) -> "EventStream":
        """Wait for the first frame, so that a failure before it still gets a status of its own.

        Raises:
            ClientGone: the client hung up first.
        """
        return cls(await while_connected(request.receive, _next(frames)), frames)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, or as much as the client stays for."""
        async with aclosing(self._rest):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                await while_connected(receive, self._send_all(send))
            except ClientGone:
                log.debug("a client left in the middle of its stream")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_all(self, send: Send) -> None:
        await _send(send, self._first)
        async for frame in self._rest:
            await _send(send, frame)


async def openai_frames(chunks: AsyncGenerator[BaseModel, None]) -> AsyncGenerator[bytes, None]:
    """`frames` with [DONE] at the end, and errors in OpenAI's shape."""
    async with aclosing(frames(chunks, _openai_failure, DONE)) as sent:
        async for frame in sent:
            yield frame


async def frames(
    chunks: AsyncGenerator[BaseModel, None], failed: Callable[[Exception], str], last: bytes = b""
) -> AsyncGenerator[bytes, None]:
    """One event per chunk with the fields that were set, then `last`.

    An error before the first chunk is raised; a later one becomes the last event, as `failed` says
    it.
    """
    begun = False
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                begun = True
                yield event(chunk.model_dump_json(exclude_unset=True))
        if last:
            yield last
    except Exception as error:  # the fault barrier of one streamed request
        if not begun:
            raise
        if not isinstance(error, CopilotdError):
            log.exception("a stream failed")
        yield event(failed(error))


def _openai_failure(error: Exception) -> str:
    return ErrorResponse(error=detail_of(error)).model_dump_json()


def event(data: str | bytes) -> bytes:
    """One server-sent event; `data` is a single line."""
    line = data.encode() if isinstance(data, str) else data
    return b"data: " + line + b"\n\n"


async def _next(frames: AsyncIterator[bytes]) -> bytes:
    return await anext(frames)


async def _send(send: Send, frame: bytes) -> None:
    await send({"type": "http.response.body", "body": frame, "more_body": True})
    # `send` waits for nothing once the client is gone, nor does an engine that is ahead: without a
    # pause between them neither its leaving nor anything else would be noticed.
    await asyncio.sleep(0)
