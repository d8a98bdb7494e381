"""The answer as it is made: its items, and the events that tell a client of every step."""

import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from pydantic_core import to_json

from copilotd.chat.tool_calls.stream import Heard
from copilotd.chat.tool_calls.types import Called
from copilotd.engine.types import Finished, FinishReason, Usage
from copilotd.errors import CopilotdError
from copilotd.http.openai.responses.answer import (
    IncompleteDetails,
    InputTokensDetails,
    ItemStatus,
    OutputCall,
    OutputItem,
    OutputMessage,
    OutputText,
    ResponseFailure,
    ResponseObject,
    ResponseUsage,
)
from copilotd.http.shared.errors import detail_of
from copilotd.http.shared.sse import event as sse

log = logging.getLogger(__name__)

Event = dict[str, Any]
"""An event of the stream: its type, its number, and what it tells."""


async def whole(telling: "Telling", heard: AsyncGenerator[Heard, None]) -> ResponseObject:
    """The answer once it is complete."""
    async for _ in _told(telling, heard):
        pass
    return telling.response


async def frames(
    telling: "Telling", heard: AsyncGenerator[Heard, None]
) -> AsyncGenerator[bytes, None]:
    """One server-sent event per step.

    An error before the first is raised; a later one becomes the last event, `response.failed`.
    """
    try:
        async with aclosing(_told(telling, heard)) as events:
            async for event in events:
                yield _frame(event)
    except Exception as error:  # the fault barrier of one streamed request
        if not telling.is_begun:
            raise
        if not isinstance(error, CopilotdError):
            log.exception("a stream failed")
        for event in telling.failed(error):
            yield _frame(event)


async def _told(
    telling: "Telling", heard: AsyncGenerator[Heard, None]
) -> AsyncGenerator[Event, None]:
    async with aclosing(heard):
        async for one in heard:
            for event in telling.heard(one):
                yield event


def _frame(event: Event) -> bytes:
    return f"event: {event['type']}\n".encode() + sse(to_json(event))


class Telling:
    """Takes what is heard of the model, gives events; `response` is the answer so far."""

    def __init__(self, response: ResponseObject) -> None:
        self.response = response
        self._count = 0
        self._items: list[OutputItem] = []
        self._message: OutputMessage | None = None
        self._text = ""

    @property
    def is_begun(self) -> bool:
        """Whether there was an event yet."""
        return self._count > 0

    def heard(self, one: Heard) -> Iterator[Event]:
        """The events of this step."""
        if not self.is_begun:
            yield self._event("response.created", response=self.response)
            yield self._event("response.in_progress", response=self.response)
        if isinstance(one, Finished):
            yield from self._finished(one)
        elif isinstance(one, Called):
            yield from self._called(one)
        elif one.text:
            yield from self._said(one.text)

    def failed(self, error: Exception) -> Iterator[Event]:
        """The last events, if the answer ends in an error."""
        yield from self._closed("incomplete")
        detail = detail_of(error)
        failure = ResponseFailure(code=detail.code or detail.type, message=detail.message)
        self._become(status="failed", error=failure)
        yield self._event("response.failed", response=self.response)

    def _said(self, text: str) -> Iterator[Event]:
        if self._message is None:
            yield from self._opened()
        self._text += text
        yield self._part_event("output_text.delta", delta=text, logprobs=[])

    def _opened(self) -> Iterator[Event]:
        """A message begins."""
        self._message = OutputMessage(status="in_progress")
        yield self._item_event("added", self._message)
        yield self._part_event("content_part.added", part=OutputText(text=""))

    def _closed(self, status: ItemStatus) -> Iterator[Event]:
        """The message that is being written ends, if there is one."""
        if self._message is None:
            return
        part = OutputText(text=self._text)
        yield self._part_event("output_text.done", text=self._text, logprobs=[])
        yield self._part_event("content_part.done", part=part)
        yield self._done(self._message.model_copy(update={"status": status, "content": [part]}))
        self._message, self._text = None, ""

    def _called(self, called: Called) -> Iterator[Event]:
        yield from self._closed("completed")
        begun = OutputCall(status="in_progress", call_id=called.id, name=called.name, arguments="")
        yield self._item_event("added", begun)
        yield self._call_event("delta", begun, delta=called.arguments)
        yield self._call_event("done", begun, arguments=called.arguments)
        ended = {"status": "completed", "arguments": called.arguments}
        yield self._done(begun.model_copy(update=ended))

    def _finished(self, finished: Finished) -> Iterator[Event]:
        if not self._items and self._message is None:
            yield from self._opened()
        is_cut = finished.reason is FinishReason.LENGTH
        status: ItemStatus = "incomplete" if is_cut else "completed"
        yield from self._closed(status)
        details = IncompleteDetails() if is_cut else None
        self._become(status=status, incomplete_details=details, usage=_usage(finished.usage))
        yield self._event(f"response.{status}", response=self.response)

    def _become(self, **fields: object) -> None:
        self.response = self.response.model_copy(update={"output": self._items, **fields})

    def _done(self, item: OutputItem) -> Event:
        event = self._item_event("done", item)
        self._items.append(item)
        return event

    def _item_event(self, step: str, item: OutputItem) -> Event:
        return self._event(f"response.output_item.{step}", output_index=len(self._items), item=item)

    def _part_event(self, step: str, **fields: object) -> Event:
        """About the one part of the message that is being written."""
        item_id = self._message.id if self._message else ""
        place = {"item_id": item_id, "output_index": len(self._items), "content_index": 0}
        return self._event(f"response.{step}", **place, **fields)

    def _call_event(self, step: str, call: OutputCall, **fields: object) -> Event:
        place = {"item_id": call.id, "output_index": len(self._items)}
        return self._event(f"response.function_call_arguments.{step}", **place, **fields)

    def _event(self, kind: str, **fields: object) -> Event:
        event = {"type": kind, "sequence_number": self._count, **fields}
        self._count += 1
        return event


def _usage(cost: Usage) -> ResponseUsage:
    return ResponseUsage(
        input_tokens=cost.prompt_tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=cost.cached_tokens),
        output_tokens=cost.completion_tokens,
        total_tokens=cost.prompt_tokens + cost.completion_tokens,
    )
