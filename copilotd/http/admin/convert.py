"""Converts between the admin endpoints and the daemon's own values."""

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
from copilotd.http.shared.error_bodies import write_openai_error
from copilotd.http.shared.errors import build_body
from copilotd.http.shared.sse import write_event
from copilotd.http.shared.streamed_response import Frames, end_with_error
from copilotd.prompt.budget import Budget

_MAX_STATES = 256
"""States that wait for a slow client; beyond that, the oldest are dropped."""


def to_json_response(value: object) -> Response:
    """Convert any of the daemon's values to JSON, field by field."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def build_completion_request(body: CursorBody, budget: Budget) -> CompletionRequest:
    """The completion request. Its client name is new each time, so it cancels no other request.

    An automatic completion has at most the length that an editor would get, but is always whole.
    """
    document = Document(f"admin:{body.path}", body.text, body.language, path=body.path)
    client = f"admin-{uuid4().hex}"
    max_tokens = budget.max_tokens if body.trigger is Trigger.AUTOMATIC else None
    return CompletionRequest(
        document, body.offset, body.trigger, client, max_tokens, is_patient=True
    )


async def stream_states(engine: Engine) -> Frames:
    """The current state of the engine, then each new one, until the client hangs up."""
    states: asyncio.Queue[EngineState] = asyncio.Queue()

    def remember(state: EngineState) -> None:
        if states.qsize() == _MAX_STATES:
            states.get_nowait()
        states.put_nowait(state)

    unsubscribe = engine.subscribe(remember)
    try:
        yield write_event(msgspec.json.encode(engine.state))
        while True:
            yield write_event(msgspec.json.encode(await states.get()))
    finally:
        unsubscribe()


def stream_tuning(steps: AsyncGenerator[CalibrationProgress | Tuning, None]) -> Frames:
    """One event for each step: an object with the key `measuring` or `tuning`.

    An error before the first step is raised; a later one becomes the last event.
    """
    return end_with_error(_stream_steps(steps), _write_error)


async def _stream_steps(steps: AsyncGenerator[CalibrationProgress | Tuning, None]) -> Frames:
    async with aclosing(steps):
        async for step in steps:
            name = "measuring" if isinstance(step, CalibrationProgress) else "tuning"
            yield write_event(msgspec.json.encode({name: step}))


def _write_error(error: Exception) -> bytes:
    return write_event(msgspec.json.encode(build_body(error, write_openai_error)))
