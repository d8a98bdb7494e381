"""The events of a streamed answer, which tell a client about every step."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from pydantic_core import to_json

from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.engine.types import Finished, Usage
from copilotd.http.anthropic.blocks import TextBlock, ToolUseBlock
from copilotd.http.anthropic.convert import describe_stop, start_message, to_message_usage
from copilotd.http.anthropic.errors import write_anthropic_error
from copilotd.http.anthropic.schema import AnswerBlock
from copilotd.http.shared.errors import build_body
from copilotd.http.shared.sse import write_event
from copilotd.http.shared.streamed_response import Frames, end_with_error
from copilotd.prompt.messages import ToolCall

Event = dict[str, Any]
"""An event of the stream: its type and its fields."""


def stream_message(model: str, events: AsyncGenerator[ChatEvent, None]) -> Frames:
    """The answer as server-sent events; `model` is the client's name for the model.

    An error before the first event is raised; a later one becomes the last event.
    """
    return end_with_error(_stream_frames(EventWriter(model), events), _write_error)


async def _stream_frames(writer: "EventWriter", events: AsyncGenerator[ChatEvent, None]) -> Frames:
    async with aclosing(events):
        async for chat_event in events:
            for event in writer.write(chat_event):
                yield _write_event(event)


def _write_error(error: Exception) -> bytes:
    return _write_event(build_body(error, write_anthropic_error))


def _write_event(event: Event) -> bytes:
    return write_event(to_json(event), event["type"])


class EventWriter:
    """Turns the events of a chat into the events of the stream."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._is_started = False
        self._index = 0
        self._is_in_text = False

    def write(self, event: ChatEvent) -> Iterator[Event]:
        """The events of the stream for one event of the chat."""
        if not self._is_started:
            self._is_started = True
            yield from self._start(event)
        if isinstance(event, Finished):
            yield from self._finish(event)
        elif isinstance(event, ToolCall):
            yield from self._write_call(event)
        elif event.text:
            yield from self._write_text(event.text)

    def _start(self, event: ChatEvent) -> Iterator[Event]:
        usage = None if isinstance(event, ToolCall) else event.usage
        yield {"type": "message_start", "message": start_message(self._model, usage or Usage())}
        yield {"type": "ping"}

    def _write_text(self, text: str) -> Iterator[Event]:
        if not self._is_in_text:
            self._is_in_text = True
            yield self._open_block(TextBlock(type="text", text=""))
        yield self._write_delta(type="text_delta", text=text)

    def _write_call(self, call: ToolCall) -> Iterator[Event]:
        yield from self._end_text()
        yield self._open_block(ToolUseBlock(type="tool_use", id=call.id, name=call.name, input={}))
        yield self._write_delta(type="input_json_delta", partial_json=call.arguments)
        yield self._close_block()

    def _finish(self, finished: Finished) -> Iterator[Event]:
        yield from self._end_text()
        usage = to_message_usage(finished.usage)
        yield {"type": "message_delta", "delta": describe_stop(finished), "usage": usage}
        yield {"type": "message_stop"}

    def _end_text(self) -> Iterator[Event]:
        """Close the open text block, if there is one."""
        if self._is_in_text:
            self._is_in_text = False
            yield self._close_block()

    def _open_block(self, block: AnswerBlock) -> Event:
        return {"type": "content_block_start", "index": self._index, "content_block": block}

    def _write_delta(self, **fields: str) -> Event:
        return {"type": "content_block_delta", "index": self._index, "delta": fields}

    def _close_block(self) -> Event:
        event = {"type": "content_block_stop", "index": self._index}
        self._index += 1
        return event
