"""Answers that are sent while they are made, as lines of JSON."""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec

from copilotd.errors import CopilotdError
from copilotd.http.shared.errors import detail_of
from copilotd.http.shared.sse import EventStream

log = logging.getLogger(__name__)


class LineStream(EventStream):
    """Sends lines as they come; a client that hangs up ends the work behind them."""

    media_type = "application/x-ndjson"


async def json_lines(
    objects: AsyncGenerator[Mapping[str, Any], None],
) -> AsyncGenerator[bytes, None]:
    """One line per object.

    An error before the first is raised; a later one becomes the last line.
    """
    begun = False
    try:
        async with aclosing(objects):
            async for one in objects:
                begun = True
                yield msgspec.json.encode(one) + b"\n"
    except Exception as error:  # the fault barrier of one streamed request
        if not begun:
            raise
        if not isinstance(error, CopilotdError):
            log.exception("a stream failed")
        yield msgspec.json.encode({"error": detail_of(error).message}) + b"\n"
