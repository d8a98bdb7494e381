"""Between the admin endpoints and the daemon's own values."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

import msgspec
from fastapi import Response

from copilotd.engine.protocol import Engine
from copilotd.http.admin.schema import CursorBody
from copilotd.http.stream import event
from copilotd.types import CompletionRequest, Document, EngineState, Trigger

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
