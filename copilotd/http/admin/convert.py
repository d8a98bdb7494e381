"""Between the admin endpoints and the daemon's own values."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import uuid4

import msgspec
from fastapi import Response

from copilotd.completion.types import CompletionRequest, Trigger
from copilotd.documents import Document
from copilotd.engine.interface import Engine
from copilotd.engine.performance import CalibrationProgress, Tuning
from copilotd.engine.types import EngineState
from copilotd.http.admin.schema import CursorBody
from copilotd.http.shared.error_bodies import openai_error
from copilotd.http.shared.errors import body_of
from copilotd.http.shared.sse import event_frame
from copilotd.http.shared.streamed_response import Frames, end_with_error

_MAX_STATES = 256
"""States that wait for a slow client; beyond that, the oldest are dropped."""


def json_response(value: object) -> Response:
    """Any of the daemon's values as JSON, field by field."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def completion_request(body: CursorBody) -> CompletionRequest:
    """The completion request. Its client name is new each time, so it cancels no other request."""
    document = Document(f"admin:{body.path}", body.text, body.language, path=body.path)
    return CompletionRequest(document, body.offset, Trigger.INVOKED, f"admin-{uuid4().hex}")


async def state_frames(engine: Engine) -> Frames:
    """The current state of the engine, then each new one, until the client hangs up."""
    states: asyncio.Queue[EngineState] = asyncio.Queue()

    def remember(state: EngineState) -> None:
        if states.qsize() == _MAX_STATES:
            states.get_nowait()
        states.put_nowait(state)

    unsubscribe = engine.subscribe(remember)
    try:
        yield event_frame(msgspec.json.encode(engine.state))
        while True:
            yield event_frame(msgspec.json.encode(await states.get()))
    finally:
        unsubscribe()


def tuning_frames(steps: AsyncGenerator[CalibrationProgress | Tuning, None]) -> Frames:
    """One event for each step: an object with the key `measuring` or `tuning`.

    An error before the first step is raised; a later one becomes the last event.
    """
    return end_with_error(_tuning_frames(steps), _error_frame)


async def _tuning_frames(steps: AsyncGenerator[CalibrationProgress | Tuning, None]) -> Frames:
    async with aclosing(steps):
        async for step in steps:
            name = "measuring" if isinstance(step, CalibrationProgress) else "tuning"
            yield event_frame(msgspec.json.encode({name: step}))


def _error_frame(error: Exception) -> bytes:
    return event_frame(msgspec.json.encode(body_of(error, openai_error)))
