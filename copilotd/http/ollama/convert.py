"""Between Ollama's fields and our values."""

import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.ids import new_id
from copilotd.chat.tool_calls.messages import resulted, said
from copilotd.chat.tool_calls.stream import Heard
from copilotd.chat.tool_calls.types import Called, Toolbox
from copilotd.completion.raw_text import TextRequest
from copilotd.engine.types import Finished, FinishReason, Sampling, Usage
from copilotd.http.ollama.schema import ChatBody, ChatMessage, Form, GenerateBody, Options
from copilotd.http.openai.chat.tools import ToolFields, toolbox
from copilotd.http.shared.fields import Said
from copilotd.prompt.messages import Message

Line = dict[str, Any]
"""An object of the answer."""

_SAMPLED = (
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
class Telling:
    """Who answers, since when (`time.perf_counter`), and under which key the text stands."""

    model: str
    started: float
    is_chat: bool

    @classmethod
    def of(cls, model: str, *, is_chat: bool) -> "Telling":
        """From now on."""
        return cls(model, time.perf_counter(), is_chat)

    def line(self, text: str, calls: list[Called] | None = None, **more: object) -> Line:
        """One object."""
        content: Line = {"response": text}
        if self.is_chat:
            message: Line = {"role": "assistant", "content": text}
            content = {"message": message | ({"tool_calls": _entries(calls)} if calls else {})}
        return {"model": self.model, "created_at": _now(), **content, "done": False, **more}

    def last(self, text: str, calls: list[Called], finished: Finished) -> Line:
        """The object that ends the answer."""
        reason = "length" if finished.reason is FinishReason.LENGTH else "stop"
        costs = _costs(finished.usage, time.perf_counter() - self.started)
        return self.line(text, calls, done=True, done_reason=reason, **costs)

    def loaded(self) -> Line:
        """The answer to a request that asks for nothing."""
        return self.line("", done=True, done_reason="load")


async def lines(telling: Telling, events: AsyncGenerator[Heard, None]) -> AsyncGenerator[Line]:
    """The answer in pieces."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                yield telling.last("", [], event)
            elif isinstance(event, Called):
                yield telling.line("", [event])
            elif event.text:
                yield telling.line(event.text)


async def whole(telling: Telling, events: AsyncGenerator[Heard, None]) -> Line:
    """The answer in one object."""
    text, calls, finished = "", list[Called](), Finished(FinishReason.STOP, Usage())
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                finished = event
            elif isinstance(event, Called):
                calls.append(event)
            else:
                text += event.text
    return telling.last(text, calls, finished)


def chat_request(body: ChatBody, default: Sampling) -> ChatRequest:
    """The conversation; `default` is for what the client leaves open."""
    return ChatRequest(
        messages=_messages(body.messages),
        max_tokens=_limit(body.options),
        sampling=_sampling(body.options, default),
        stop=tuple(body.options.stop),
        toolbox=toolbox(ToolFields(tools=body.tools)) if body.tools else Toolbox(),
        schema=_schema(body.format),
    )


def asked(body: GenerateBody, default: Sampling) -> ChatRequest:
    """A prompt that is to be answered, as a conversation of one question."""
    system = (Message("system", body.system),) if body.system else ()
    return ChatRequest(
        messages=(*system, _shown("user", body.prompt, body.images)),
        max_tokens=_limit(body.options),
        sampling=_sampling(body.options, default),
        stop=tuple(body.options.stop),
        schema=_schema(body.format),
    )


def continued(body: GenerateBody) -> TextRequest:
    """A prompt that is to be continued, or between which and a suffix is to be filled in."""
    return TextRequest(
        body.prompt,
        suffix=body.suffix or None,
        max_tokens=_limit(body.options) or 128,
        sampling=_sampling(body.options, Sampling()),
        stop=tuple(body.options.stop),
    )


def _messages(messages: list[ChatMessage]) -> tuple[Message, ...]:
    """Ollama's calls have no ids: a result belongs to the call that comes next in order."""
    made: list[Message] = []
    waiting: list[Called] = []
    for message in messages:
        text = message.content or ""
        if message.role == "assistant":
            waiting = [_called(call.function) for call in message.tool_calls or []]
            made.append(said(text, waiting))
        elif message.role == "tool":
            call = waiting.pop(0) if waiting else None
            name = message.tool_name or (call.name if call else "")
            made.append(resulted(text, call.id if call else "", name))
        else:
            made.append(_shown(message.role, text, message.images))
    return tuple(made)


def _shown(role: str, text: str, shown: Said) -> Message:
    """Ollama's images have no place in the text; as there, they come before it."""
    return Message(role, shown.text + text, images=shown.images)


def _called(function: Any) -> Called:
    return Called(new_id(), function.name, json.dumps(function.arguments))


def _entries(calls: list[Called]) -> list[Line]:
    return [
        {"function": {"name": call.name, "arguments": json.loads(call.arguments)}} for call in calls
    ]


def _schema(form: Form) -> Mapping[str, Any] | None:
    if isinstance(form, dict):
        return form
    return {"type": "object"} if form == "json" else None


def _limit(options: Options) -> int | None:
    wanted = options.num_predict
    return wanted if wanted is not None and wanted > 0 else None


def _sampling(options: Options, default: Sampling) -> Sampling:
    named = {name: getattr(options, name) for name in _SAMPLED}
    return msgspec.structs.replace(default, **{k: v for k, v in named.items() if v is not None})


def _costs(usage: Usage, seconds: float) -> Line:
    """Durations in nanoseconds."""
    return {
        "total_duration": _nanoseconds(seconds * 1000),
        "load_duration": _nanoseconds(usage.queue_ms),
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_eval_duration": _nanoseconds(usage.prefill_ms),
        "eval_count": usage.completion_tokens,
        "eval_duration": _nanoseconds(usage.decode_ms),
    }


def _nanoseconds(ms: float) -> int:
    return int(ms * 1_000_000)


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
