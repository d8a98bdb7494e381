"""Streamed responses as server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi.sse import format_sse_event
from pydantic import BaseModel
from pydantic_core import to_json

from copilotd.http.shared.error_bodies import WriteError, write_openai_error
from copilotd.http.shared.errors import build_body
from copilotd.http.shared.streamed_response import Frames, StreamedResponse, end_with_error

DONE = b"data: [DONE]\n\n"


def describe_stream(description: str) -> dict[int | str, dict[str, Any]]:
    """For the API page: the successful response of an endpoint that can stream."""
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    return {200: {"description": description, "content": content}}


STREAMED = describe_stream(
    "The response; with `stream`, server-sent events with its pieces, then [DONE]."
)
NAMED_EVENTS = describe_stream(
    "The response; with `stream`, server-sent events with names and its pieces."
)


class EventStream(StreamedResponse):
    """A stream of server-sent events."""

    media_type = "text/event-stream"


def stream_openai_events(chunks: AsyncGenerator[BaseModel, None]) -> Frames:
    """`stream_events` with errors in OpenAI's shape, and [DONE] at the end."""
    return stream_events(chunks, write_openai_error, DONE)


def stream_events(
    chunks: AsyncGenerator[BaseModel, None], write: WriteError, last: bytes = b""
) -> Frames:
    """One event for each chunk with the fields that were set, then `last`.

    An error before the first chunk is raised; a later one becomes the last event, in the shape
    that `write` gives it.
    """
    return end_with_error(
        _write_chunks(chunks, last), lambda error: write_event(to_json(build_body(error, write)))
    )


def write_event(data: str | bytes, name: str | None = None) -> bytes:
    """One server-sent event, with or without a name; `data` is one line."""
    text = data if isinstance(data, str) else data.decode()
    return format_sse_event(data_str=text, event=name)


async def _write_chunks(chunks: AsyncGenerator[BaseModel, None], last: bytes) -> Frames:
    async with aclosing(chunks):
        async for chunk in chunks:
            yield write_event(chunk.model_dump_json(exclude_unset=True))
    if last:
        yield last
