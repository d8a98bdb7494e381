"""Streamed responses as lines of JSON."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec

from copilotd.http.shared.error_bodies import WriteError
from copilotd.http.shared.errors import build_body
from copilotd.http.shared.streamed_response import Frames, StreamedResponse, end_with_error


class LineStream(StreamedResponse):
    """A stream of lines; each line is a JSON object."""

    media_type = "application/x-ndjson"


def stream_lines(objects: AsyncGenerator[Mapping[str, Any], None], write: WriteError) -> Frames:
    """One line for each object.

    An error before the first object is raised; a later one becomes the last line, in the shape
    that `write` gives it.
    """
    return end_with_error(
        _encode_lines(objects), lambda error: _write_line(build_body(error, write))
    )


async def _encode_lines(objects: AsyncGenerator[Mapping[str, Any], None]) -> Frames:
    async with aclosing(objects):
        async for one in objects:
            yield _write_line(one)


def _write_line(value: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(value) + b"\n"
