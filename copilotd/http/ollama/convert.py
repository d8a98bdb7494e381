"""Converts between Ollama's fields and copilotd's values."""

import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.ids import create_call_id
from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.chat.tool_calls.types import ToolSet
from copilotd.completion.raw_text import TextRequest
from copilotd.engine.types import Finished, FinishReason, Sampling, Usage
from copilotd.http.ollama.schema import ChatBody, ChatMessage, Form, GenerateBody, Options
from copilotd.http.shared.chat_completions.tools import ToolFields, parse_tools
from copilotd.http.shared.fields import MessageContent
from copilotd.http.shared.generation import override_sampling
from copilotd.prompt.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResult,
    UserMessage,
)

Line = dict[str, Any]
"""A JSON object of the response."""

_SAMPLING_FIELDS = (
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "seed",
)


@dataclass(frozen=True, slots=True)
class LineWriter:
    """Writes the objects of one response.

    `model` is the client's name for the model, `started` is in seconds of `time.perf_counter`, and
    `is_chat` says whether the text is in `message` (chat) or in `response` (generate).
    """

    model: str
    started: float
    is_chat: bool

    @classmethod
    def start(cls, model: str, *, is_chat: bool) -> "LineWriter":
        """The writer of a response that starts now."""
        return cls(model, time.perf_counter(), is_chat)

    def write(self, text: str, calls: list[ToolCall] | None = None, **more: object) -> Line:
        """One object with a piece of the text, or with calls."""
        content: Line = {"response": text}
        if self.is_chat:
            message: Line = {"role": "assistant", "content": text}
            content = {"message": message | ({"tool_calls": _write_calls(calls)} if calls else {})}
        return {"model": self.model, "created_at": _format_now(), **content, "done": False, **more}

    def write_last(self, text: str, calls: list[ToolCall], finished: Finished) -> Line:
        """The object that ends the response."""
        reason = "length" if finished.reason is FinishReason.LENGTH else "stop"
        costs = _report_costs(finished.usage, time.perf_counter() - self.started)
        return self.write(text, calls, done=True, done_reason=reason, **costs)

    def write_loaded(self) -> Line:
        """The response to a request without a prompt, which only loads the model."""
        return self.write("", done=True, done_reason="load")


async def stream_lines(
    writer: LineWriter, events: AsyncGenerator[ChatEvent, None]
) -> AsyncGenerator[Line]:
    """The response in pieces."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                yield writer.write_last("", [], event)
            elif isinstance(event, ToolCall):
                yield writer.write("", [event])
            elif event.text:
                yield writer.write(event.text)


async def collect_line(writer: LineWriter, events: AsyncGenerator[ChatEvent, None]) -> Line:
    """The response in one object."""
    text, calls, finished = "", list[ToolCall](), Finished(FinishReason.STOP, Usage())
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                finished = event
            elif isinstance(event, ToolCall):
                calls.append(event)
            else:
                text += event.text
    return writer.write_last(text, calls, finished)


def parse_chat_request(body: ChatBody, default: Sampling) -> ChatRequest:
    """The conversation; `default` fills the fields that the client left out."""
    return ChatRequest(
        messages=_parse_messages(body.messages),
        max_tokens=_parse_limit(body.options),
        sampling=_parse_sampling(body.options, default),
        stop=tuple(body.options.stop),
        tools=parse_tools(ToolFields(tools=body.tools)) if body.tools else ToolSet(),
        schema=_parse_schema(body.format),
    )


def parse_question(body: GenerateBody, default: Sampling) -> ChatRequest:
    """A conversation with one question, the prompt."""
    system = (SystemMessage(body.system),) if body.system else ()
    return ChatRequest(
        messages=(*system, _build_message("user", body.prompt, body.images)),
        max_tokens=_parse_limit(body.options),
        sampling=_parse_sampling(body.options, default),
        stop=tuple(body.options.stop),
        schema=_parse_schema(body.format),
    )


def parse_text_request(body: GenerateBody) -> TextRequest:
    """A prompt to continue, or to fill the gap between it and the suffix."""
    return TextRequest(
        body.prompt,
        suffix=body.suffix or None,
        max_tokens=_parse_limit(body.options) or 128,
        sampling=_parse_sampling(body.options, Sampling()),
        stop=tuple(body.options.stop),
    )


def _parse_messages(messages: list[ChatMessage]) -> tuple[Message, ...]:
    """Ollama's calls have no ids: results belong to the calls of the last answer, in order."""
    converted: list[Message] = []
    open_calls: list[ToolCall] = []
    for message in messages:
        text = message.content or ""
        if message.role == "assistant":
            open_calls = [_parse_call(call.function) for call in message.tool_calls or []]
            converted.append(AssistantMessage(text, tuple(open_calls)))
        elif message.role == "tool":
            call = open_calls.pop(0) if open_calls else None
            name = message.tool_name or (call.name if call else "")
            converted.append(ToolResult(text, call.id if call else "", name))
        else:
            converted.append(_build_message(message.role, text, message.images))
    return tuple(converted)


def _build_message(role: str, text: str, images: MessageContent) -> Message:
    """Ollama's images have no position in the text; as in Ollama, they come before it."""
    kind = SystemMessage if role == "system" else UserMessage
    return kind(images.text + text, images.images)


def _parse_call(function: Any) -> ToolCall:
    return ToolCall(create_call_id(), function.name, json.dumps(function.arguments))


def _write_calls(calls: list[ToolCall]) -> list[Line]:
    return [
        {"function": {"name": call.name, "arguments": json.loads(call.arguments)}} for call in calls
    ]


def _parse_schema(output_format: Form) -> Mapping[str, Any] | None:
    if isinstance(output_format, dict):
        return output_format
    return {"type": "object"} if output_format == "json" else None


def _parse_limit(options: Options) -> int | None:
    limit = options.num_predict
    return limit if limit is not None and limit > 0 else None


def _parse_sampling(options: Options, default: Sampling) -> Sampling:
    return override_sampling(default, **{name: getattr(options, name) for name in _SAMPLING_FIELDS})


def _report_costs(usage: Usage, seconds: float) -> Line:
    """Durations in nanoseconds."""
    return {
        "total_duration": _to_nanoseconds(seconds * 1000),
        "load_duration": _to_nanoseconds(usage.queue_ms),
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_eval_duration": _to_nanoseconds(usage.prefill_ms),
        "eval_count": usage.completion_tokens,
        "eval_duration": _to_nanoseconds(usage.decode_ms),
    }


def _to_nanoseconds(ms: float) -> int:
    return int(ms * 1_000_000)


def _format_now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
