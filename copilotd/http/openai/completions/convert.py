"""Converts between the fields of /v1/completions and copilotd's values."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict

import msgspec

from copilotd.completion.raw_text import TextRequest
from copilotd.engine.interface import Engine
from copilotd.engine.types import Chunk, Finished, FinishReason, Sampling, TokenLogprob, Usage
from copilotd.http.openai.completions.logprobs import LogprobWriter
from copilotd.http.openai.completions.schema import (
    Completion,
    CompletionBody,
    CompletionChoice,
    Logprobs,
)
from copilotd.http.shared.generation import build_sampling, parse_grammar
from copilotd.http.shared.parallel import Reply, TextEvents
from copilotd.http.shared.response_meta import ResponseMeta
from copilotd.http.shared.usage import sum_usage


def build_text_requests(body: CompletionBody) -> list[TextRequest]:
    """One request for each choice; choice i belongs to prompt i // n."""
    return [_build_request(body, prompt, i) for prompt in body.prompt for i in range(body.n)]


async def fetch_prompt_texts(body: CompletionBody, engine: Engine) -> list[str]:
    """The prompt of each choice as text; empty texts if the response does not need them.

    Raises:
        EngineError: the engine cannot detokenize.
    """
    if not body.echo and body.logprobs is None:
        return [""] * (len(body.prompt) * body.n)
    texts = [p if isinstance(p, str) else await engine.detokenize(p) for p in body.prompt]
    return [text for text in texts for _ in range(body.n)]


async def prepend_prompts(events: TextEvents, texts: Sequence[str]) -> TextEvents:
    """The same events, with the prompt `texts[i]` before the output of choice i."""
    started: set[int] = set()
    async with aclosing(events):
        async for index, event in events:
            is_first = index not in started
            started.add(index)
            if is_first and isinstance(event, Chunk) and event.is_prompt:
                yield index, msgspec.structs.replace(event, text=texts[index])
                continue
            if is_first:
                yield index, Chunk(texts[index], is_prompt=True)
            yield index, event


def build_completion(
    body: CompletionBody, meta: ResponseMeta, replies: Sequence[Reply], texts: Sequence[str]
) -> Completion:
    """The whole response."""
    choices = [
        _build_choice(
            i,
            reply.text,
            _build_table(body, _create_writer(body, texts[i]), reply.tokens),
            reply.reason,
        )
        for i, reply in enumerate(replies)
    ]
    return _build_object(meta, choices, [reply.usage for reply in replies], body.n)


async def stream_chunks(
    body: CompletionBody,
    meta: ResponseMeta,
    events: TextEvents,
    texts: Sequence[str],
) -> AsyncGenerator[Completion, None]:
    """The response in pieces; the last piece of each choice has its finish reason."""
    writers = [_create_writer(body, text) for text in texts]
    costs = [Usage()] * len(texts)
    async with aclosing(events):
        async for index, event in events:
            if isinstance(event, Finished):
                costs[index] = event.usage
                yield _build_piece(meta, _build_choice(index, "", None, event.reason))
            elif event.text or event.tokens:
                table = _build_table(body, writers[index], event.tokens)
                yield _build_piece(meta, _build_choice(index, event.text, table, None))
    if body.stream_options is not None and body.stream_options.include_usage:
        yield _build_object(meta, [], costs, body.n)


def _build_request(body: CompletionBody, prompt: str | list[int], choice: int) -> TextRequest:
    return TextRequest(
        prompt=prompt,
        suffix=body.suffix,
        max_tokens=None if body.max_tokens == -1 else body.max_tokens,
        sampling=build_sampling(body, Sampling(), choice),
        stop=tuple(body.stop),
        logprobs=body.logprobs,
        prompt_logprobs=body.echo and body.logprobs is not None,
        grammar=parse_grammar(body),
    )


def _create_writer(body: CompletionBody, text: str) -> LogprobWriter:
    return LogprobWriter(0 if body.echo else len(text))


def _build_table(
    body: CompletionBody, writer: LogprobWriter, tokens: Sequence[TokenLogprob]
) -> Logprobs | None:
    return None if body.logprobs is None else writer.build_table(tokens)


def _build_choice(
    index: int, text: str, logprobs: Logprobs | None, reason: FinishReason | None
) -> CompletionChoice:
    return CompletionChoice(
        text=text,
        index=index,
        logprobs=logprobs,
        finish_reason=reason,
    )


def _build_piece(meta: ResponseMeta, choice: CompletionChoice) -> Completion:
    return Completion(**asdict(meta), object="text_completion", choices=[choice])


def _build_object(
    meta: ResponseMeta, choices: list[CompletionChoice], costs: Sequence[Usage], n: int
) -> Completion:
    return Completion(
        **asdict(meta), object="text_completion", choices=choices, usage=sum_usage(costs, n)
    )
