"""The answer in pieces: the events that tell a client of every step."""

import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from copilotd.chat.tool_calls.stream import Heard
from copilotd.chat.tool_calls.types import Called
from copilotd.engine.types import Finished, Usage
from copilotd.errors import CopilotdError
from copilotd.http.anthropic.blocks import TextBlock, ToolUseBlock
from copilotd.http.anthropic.convert import begun, ending, usage
from copilotd.http.anthropic.schema import AnswerBlock
from copilotd.http.shared.error_bodies import ANTHROPIC
from copilotd.http.shared.errors import failure
from copilotd.http.shared.sse import event as sse

log = logging.getLogger(__name__)

Event = dict[str, Any]
"""An event of the stream: its type, and what it tells."""


async def frames(
    telling: "Telling", heard: AsyncGenerator[Heard, None]
) -> AsyncGenerator[bytes, None]:
    """One server-sent event per step.

    An error before the first is raised; a later one becomes the last event.
    """
    try:
        async with aclosing(heard):
            async for one in heard:
                for event in telling.heard(one):
                    yield _frame(event["type"], event)
    except Exception as error:  # the fault barrier of one streamed request
        if not telling.is_begun:
            raise
        if not isinstance(error, CopilotdError):
            log.exception("a stream failed")
        yield _frame("error", failure(ANTHROPIC, error))


def _frame(name: str, data: Event | BaseModel) -> bytes:
    return f"event: {name}\n".encode() + sse(to_json(data))


class Telling:
    """Takes what is heard of the model that the client calls `model`, gives events."""

    def __init__(self, model: str) -> None:
        self.is_begun = False
        self._model = model
        self._index = 0
        self._is_in_text = False

    def heard(self, one: Heard) -> Iterator[Event]:
        """The events of this step."""
        if not self.is_begun:
            self.is_begun = True
            yield from self._begun(one)
        if isinstance(one, Finished):
            yield from self._finished(one)
        elif isinstance(one, Called):
            yield from self._called(one)
        elif one.text:
            yield from self._said(one.text)

    def _begun(self, one: Heard) -> Iterator[Event]:
        cost = None if isinstance(one, Called) else one.usage
        yield {"type": "message_start", "message": begun(self._model, cost or Usage())}
        yield {"type": "ping"}

    def _said(self, text: str) -> Iterator[Event]:
        if not self._is_in_text:
            self._is_in_text = True
            yield self._opened(TextBlock(type="text", text=""))
        yield self._delta(type="text_delta", text=text)

    def _called(self, called: Called) -> Iterator[Event]:
        yield from self._text_ended()
        yield self._opened(ToolUseBlock(type="tool_use", id=called.id, name=called.name, input={}))
        yield self._delta(type="input_json_delta", partial_json=called.arguments)
        yield self._closed()

    def _finished(self, finished: Finished) -> Iterator[Event]:
        yield from self._text_ended()
        cost = usage(finished.usage)
        yield {"type": "message_delta", "delta": ending(finished), "usage": cost}
        yield {"type": "message_stop"}

    def _text_ended(self) -> Iterator[Event]:
        """The block of text that is being written ends, if there is one."""
        if self._is_in_text:
            self._is_in_text = False
            yield self._closed()

    def _opened(self, block: AnswerBlock) -> Event:
        return {"type": "content_block_start", "index": self._index, "content_block": block}

    def _delta(self, **fields: str) -> Event:
        return {"type": "content_block_delta", "index": self._index, "delta": fields}

    def _closed(self) -> Event:
        event = {"type": "content_block_stop", "index": self._index}
        self._index += 1
        return event
