"""The response while it is generated: its items, and the events that report every step."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from pydantic_core import to_json

from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.engine.types import Finished, FinishReason, Usage
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
from copilotd.http.shared.errors import describe_error
from copilotd.http.shared.sse import write_event
from copilotd.http.shared.streamed_response import Frames, end_with_error
from copilotd.prompt.messages import ToolCall

Event = dict[str, Any]
"""An event of the stream: its type, its number and its fields."""


async def collect_response(
    builder: "ResponseBuilder", events: AsyncGenerator[ChatEvent, None]
) -> ResponseObject:
    """The whole response, once the model has finished."""
    async for _ in _build_events(builder, events):
        pass
    return builder.response


def stream_response(builder: "ResponseBuilder", events: AsyncGenerator[ChatEvent, None]) -> Frames:
    """One server-sent event for each step.

    An error before the first event is raised; a later one ends the stream with `response.failed`.
    """

    def write_error(error: Exception) -> bytes:
        return b"".join(map(_write_event, builder.fail(error)))

    return end_with_error(_stream_frames(builder, events), write_error)


async def _stream_frames(
    builder: "ResponseBuilder", events: AsyncGenerator[ChatEvent, None]
) -> Frames:
    async with aclosing(_build_events(builder, events)) as response_events:
        async for event in response_events:
            yield _write_event(event)


async def _build_events(
    builder: "ResponseBuilder", events: AsyncGenerator[ChatEvent, None]
) -> AsyncGenerator[Event, None]:
    async with aclosing(events):
        async for chat_event in events:
            for event in builder.add(chat_event):
                yield event


def _write_event(event: Event) -> bytes:
    return write_event(to_json(event), event["type"])


class ResponseBuilder:
    """Builds `response` from the events of a chat, and reports each step as events."""

    def __init__(self, response: ResponseObject) -> None:
        self.response = response
        self._count = 0
        self._items: list[OutputItem] = []
        self._message: OutputMessage | None = None
        self._text = ""

    def add(self, event: ChatEvent) -> Iterator[Event]:
        """The events of the stream for one event of the chat."""
        if self._count == 0:
            yield self._build_event("response.created", response=self.response)
            yield self._build_event("response.in_progress", response=self.response)
        if isinstance(event, Finished):
            yield from self._finish(event)
        elif isinstance(event, ToolCall):
            yield from self._add_call(event)
        elif event.text:
            yield from self._add_text(event.text)

    def fail(self, error: Exception) -> Iterator[Event]:
        """The last events of a response that ends with an error."""
        yield from self._close_message("incomplete")
        detail = describe_error(error)
        failure = ResponseFailure(code=detail.code or detail.type, message=detail.message)
        self._update(status="failed", error=failure)
        yield self._build_event("response.failed", response=self.response)

    def _add_text(self, text: str) -> Iterator[Event]:
        if self._message is None:
            yield from self._open_message()
        self._text += text
        yield self._build_part_event("output_text.delta", delta=text, logprobs=[])

    def _open_message(self) -> Iterator[Event]:
        """Start a message."""
        self._message = OutputMessage(status="in_progress")
        yield self._build_item_event("added", self._message)
        yield self._build_part_event("content_part.added", part=OutputText(text=""))

    def _close_message(self, status: ItemStatus) -> Iterator[Event]:
        """End the open message, if there is one."""
        if self._message is None:
            return
        part = OutputText(text=self._text)
        yield self._build_part_event("output_text.done", text=self._text, logprobs=[])
        yield self._build_part_event("content_part.done", part=part)
        yield self._add_item(self._message.model_copy(update={"status": status, "content": [part]}))
        self._message, self._text = None, ""

    def _add_call(self, call: ToolCall) -> Iterator[Event]:
        yield from self._close_message("completed")
        item = OutputCall(status="in_progress", call_id=call.id, name=call.name, arguments="")
        yield self._build_item_event("added", item)
        yield self._build_call_event("delta", item, delta=call.arguments)
        yield self._build_call_event("done", item, arguments=call.arguments)
        completed = {"status": "completed", "arguments": call.arguments}
        yield self._add_item(item.model_copy(update=completed))

    def _finish(self, finished: Finished) -> Iterator[Event]:
        if not self._items and self._message is None:
            yield from self._open_message()
        is_truncated = finished.reason is FinishReason.LENGTH
        status: ItemStatus = "incomplete" if is_truncated else "completed"
        yield from self._close_message(status)
        details = IncompleteDetails() if is_truncated else None
        self._update(status=status, incomplete_details=details, usage=_to_usage(finished.usage))
        yield self._build_event(f"response.{status}", response=self.response)

    def _update(self, **fields: object) -> None:
        self.response = self.response.model_copy(update={"output": self._items, **fields})

    def _add_item(self, item: OutputItem) -> Event:
        event = self._build_item_event("done", item)
        self._items.append(item)
        return event

    def _build_item_event(self, step: str, item: OutputItem) -> Event:
        return self._build_event(
            f"response.output_item.{step}", output_index=len(self._items), item=item
        )

    def _build_part_event(self, step: str, **fields: object) -> Event:
        """An event about the only part of the open message."""
        item_id = self._message.id if self._message else ""
        place = {"item_id": item_id, "output_index": len(self._items), "content_index": 0}
        return self._build_event(f"response.{step}", **place, **fields)

    def _build_call_event(self, step: str, call: OutputCall, **fields: object) -> Event:
        place = {"item_id": call.id, "output_index": len(self._items)}
        return self._build_event(f"response.function_call_arguments.{step}", **place, **fields)

    def _build_event(self, kind: str, **fields: object) -> Event:
        event = {"type": kind, "sequence_number": self._count, **fields}
        self._count += 1
        return event


def _to_usage(usage: Usage) -> ResponseUsage:
    return ResponseUsage(
        input_tokens=usage.prompt_tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=usage.cached_tokens),
        output_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
    )
