"""The event stream of OpenAI's completion endpoints, converted to the engine's events."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from msgspec.structs import replace

from copilotd.engine.types import (
    Chunk,
    Finished,
    FinishReason,
    TokenAlternative,
    TokenLogprob,
    Usage,
)

_UNKNOWN_ID = -1
"""The id of a token that is known only by its text."""


class _Delta(msgspec.Struct):
    content: str | None = None


class _Alternative(msgspec.Struct):
    token: str
    logprob: float
    raw_bytes: list[int] | None = msgspec.field(default=None, name="bytes")

    @property
    def data(self) -> bytes:
        return _encode(self.token) if self.raw_bytes is None else bytes(self.raw_bytes)


class _Token(_Alternative):
    top_logprobs: list[_Alternative] = []


class _Logprobs(msgspec.Struct):
    """A text completion has the first three fields, a chat completion has the last."""

    tokens: list[str] = []
    token_logprobs: list[float | None] = []
    top_logprobs: list[dict[str, float] | None] | None = None
    content: list[_Token] | None = None

    def convert(self) -> list[TokenLogprob]:
        """Convert to the engine's type, with unknown token ids."""
        if self.content is not None:
            return [_convert_chat_token(token) for token in self.content]
        rows = self.top_logprobs or [None] * len(self.tokens)
        return [
            TokenLogprob(_UNKNOWN_ID, _encode(token), logprob, _sort_alternatives(row))
            for token, logprob, row in zip(self.tokens, self.token_logprobs, rows, strict=False)
        ]


class _Choice(msgspec.Struct):
    text: str = ""
    delta: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None
    stop_reason: Any = None
    logprobs: _Logprobs | None = None

    @property
    def output(self) -> str:
        return self.text or self.delta.content or ""


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails | None = None

    def convert(self) -> Usage:
        """Convert to the engine's type."""
        cached = self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None
        return Usage(self.prompt_tokens, cached or 0, self.completion_tokens)


class CompletionEvent(msgspec.Struct):
    """One event of the stream."""

    choices: list[_Choice] = []
    usage: _Usage | None = None


async def convert_events(
    events: AsyncGenerator[CompletionEvent, None],
) -> AsyncGenerator[Chunk | Finished, None]:
    """Yield a chunk for each piece of output, then `Finished` if the server gave a reason."""
    usage, stop_text = Usage(), ""
    reason: FinishReason | None = None
    times = [time.perf_counter()]
    async with aclosing(events):
        async for event in events:
            usage = event.usage.convert() if event.usage else usage
            for choice in event.choices:
                tokens = choice.logprobs.convert() if choice.logprobs else []
                if choice.output or tokens:
                    times.append(time.perf_counter())
                    yield Chunk(choice.output, tokens)
                if choice.finish_reason:
                    is_limit = choice.finish_reason == "length"
                    reason = FinishReason.LENGTH if is_limit else FinishReason.STOP
                    stop_text = choice.stop_reason if isinstance(choice.stop_reason, str) else ""
    if reason is not None:
        yield Finished(reason, _add_times(usage, times), stop_text)


def _add_times(usage: Usage, times: Sequence[float]) -> Usage:
    """`usage` with the times measured here: `times` are of the request and of each chunk."""
    start, first, last = times[0], times[min(1, len(times) - 1)], times[-1]
    return replace(
        usage,
        # If the server does not report token counts, assume one token per chunk.
        completion_tokens=usage.completion_tokens or len(times) - 1,
        prefill_ms=(first - start) * 1000,
        decode_ms=(last - first) * 1000,
    )


def _convert_chat_token(token: _Token) -> TokenLogprob:
    alternatives = [TokenAlternative(_UNKNOWN_ID, a.data, a.logprob) for a in token.top_logprobs]
    return TokenLogprob(_UNKNOWN_ID, token.data, token.logprob, alternatives)


def _sort_alternatives(row: dict[str, float] | None) -> list[TokenAlternative]:
    best_first = sorted((row or {}).items(), key=lambda entry: -entry[1])
    return [TokenAlternative(_UNKNOWN_ID, _encode(token), logprob) for token, logprob in best_first]


def _encode(token: str) -> bytes:
    return token.encode("utf-8", "replace")
