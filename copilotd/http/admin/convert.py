"""Between the admin endpoints and the daemon's own values."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import uuid4

import msgspec
from fastapi import Response

from copilotd.completion.types import CompletionRequest, Trigger
from copilotd.documents import Document
from copilotd.engine.interface import Engine
from copilotd.engine.performance import Measuring, Tuning
from copilotd.engine.types import EngineState
from copilotd.errors import CopilotdError
from copilotd.http.admin.schema import CursorBody
from copilotd.http.shared.error_bodies import ErrorResponse
from copilotd.http.shared.errors import detail_of
from copilotd.http.shared.sse import event

log = logging.getLogger(__name__)

_MOST_STATES = 256
"""States kept for a reader that is slow; then the oldest are dropped."""


def json_response(value: object) -> Response:
    """Any of the daemon's values as JSON, field by field."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def completion_request(body: CursorBody) -> CompletionRequest:
    """A request of its own client, so that it never cancels another's."""
    document = Document(f"admin:{body.path}", body.text, body.language, path=body.path)
    return CompletionRequest(document, body.offset, Trigger.INVOKED, f"admin-{uuid4().hex}")


async def state_frames(engine: Engine) -> AsyncGenerator[bytes, None]:
    """The engine's state now, then each new one, for as long as somebody listens."""
    states: asyncio.Queue[EngineState] = asyncio.Queue()

    def remember(state: EngineState) -> None:
        if states.qsize() == _MOST_STATES:
            states.get_nowait()
        states.put_nowait(state)

    unsubscribe = engine.subscribe(remember)
    try:
        yield event(msgspec.json.encode(engine.state))
        while True:
            yield event(msgspec.json.encode(await states.get()))
    finally:
        unsubscribe()


async def tuning_frames(
    steps: AsyncGenerator[Measuring | Tuning, None],
) -> AsyncGenerator[bytes, None]:
    """One event each, under the name of what it is; an error later than the first is the last."""
    begun = False
    try:
        async with aclosing(steps):
            async for step in steps:
                name = "measuring" if isinstance(step, Measuring) else "tuning"
                yield event(msgspec.json.encode({name: step}))
                begun = True
    except Exception as error:  # the fault barrier of one streamed request
        if not begun:
            raise
        if not isinstance(error, CopilotdError):
            log.exception("measuring the model failed")
        yield event(ErrorResponse(error=detail_of(error)).model_dump_json())
