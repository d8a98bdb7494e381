"""Responses that are sent while the model generates them.

The response class of `fastapi.sse` does not fit: it sends the status before the first frame, and
keep-alive comments between frames, which the clients of these dialects do not expect.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Self

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from copilotd.errors import CopilotdError
from copilotd.http.shared.disconnect import ClientGone, run_while_connected

log = logging.getLogger(__name__)

Frames = AsyncGenerator[bytes, None]
"""Pieces of a response body; a client can process each piece alone: an event, or a line."""


class StreamedResponse(Response):
    """Sends frames as they come. When the client hangs up, the work that produces them ends."""

    def __init__(self, first: bytes, rest: Frames) -> None:
        super().__init__(headers={"Cache-Control": "no-cache"})
        del self.headers["content-length"]
        self._first = first
        self._rest = rest

    @classmethod
    async def open(cls, request: Request, frames: Frames) -> Self:
        """Wait for the first frame, so that a failure before it still gets its own status.

        Raises:
            ClientGone: the client hung up first.
        """
        return cls(await run_while_connected(request.receive, _await_first(frames)), frames)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all frames, or as many as the client stays for."""
        async with aclosing(self._rest):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                await run_while_connected(receive, self._send_all(send))
            except ClientGone:
                log.debug("a client hung up in the middle of its stream")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_all(self, send: Send) -> None:
        await _send_frame(send, self._first)
        async for frame in self._rest:
            await _send_frame(send, frame)


async def end_with_error(frames: Frames, write_error: Callable[[Exception], bytes]) -> Frames:
    """The same frames; an exception becomes the last frame, as `write_error` writes it.

    An exception before the first frame is raised: the response has not begun, so the error can
    still have its own status.
    """
    is_started = False
    try:
        async with aclosing(frames):
            async for frame in frames:
                is_started = True
                yield frame
    except Exception as error:  # the fault barrier of one streamed request
        if not is_started:
            raise
        if not isinstance(error, CopilotdError):
            log.exception("a stream failed")
        yield write_error(error)


async def _await_first(frames: Frames) -> bytes:
    return await anext(frames)


async def _send_frame(send: Send, frame: bytes) -> None:
    await send({"type": "http.response.body", "body": frame, "more_body": True})
    # `send` does not wait once the client is gone, and neither does an engine that is ahead.
    # Without this pause the loop would run nothing else, and would not notice the disconnect.
    await asyncio.sleep(0)
