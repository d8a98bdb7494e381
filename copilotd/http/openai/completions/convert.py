"""Between the completions endpoint's fields and our values."""

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
from copilotd.http.openai.convert import grammar, sampling, usage
from copilotd.http.shared.envelope import Envelope
from copilotd.http.shared.parallel import Reply, TextEvents


def text_requests(body: CompletionBody) -> list[TextRequest]:
    """One per choice; choice i is for prompt i // n."""
    return [_request(body, prompt, i) for prompt in body.prompt for i in range(body.n)]


async def prompt_texts(body: CompletionBody, engine: Engine) -> list[str]:
    """What stands before each choice's output; nothing is looked up unless it will be used.

    Raises:
        EngineError: the engine cannot tell the text of token ids.
    """
    if not body.echo and body.logprobs is None:
        return [""] * (len(body.prompt) * body.n)
    texts = [p if isinstance(p, str) else await engine.detokenize(p) for p in body.prompt]
    return [text for text in texts for _ in range(body.n)]


async def echoed(events: TextEvents, texts: Sequence[str]) -> TextEvents:
    """The same events, with `texts[i]` before the output of choice i."""
    begun: set[int] = set()
    async with aclosing(events):
        async for index, event in events:
            first = index not in begun
            begun.add(index)
            if first and isinstance(event, Chunk) and event.prompt:
                yield index, msgspec.structs.replace(event, text=texts[index])
                continue
            if first:
                yield index, Chunk(texts[index], prompt=True)
            yield index, event


def completion(
    body: CompletionBody, envelope: Envelope, replies: Sequence[Reply], texts: Sequence[str]
) -> Completion:
    """The whole answer."""
    choices = [
        _choice(i, reply.text, _table(body, _writer(body, texts[i]), reply.tokens), reply.reason)
        for i, reply in enumerate(replies)
    ]
    return _whole(envelope, choices, [reply.usage for reply in replies], body.n)


async def chunks(
    body: CompletionBody,
    envelope: Envelope,
    events: TextEvents,
    texts: Sequence[str],
) -> AsyncGenerator[Completion, None]:
    """The answer in pieces, each choice ending with a piece that says why it ends."""
    writers = [_writer(body, text) for text in texts]
    costs = [Usage()] * len(texts)
    async with aclosing(events):
        async for index, event in events:
            if isinstance(event, Finished):
                costs[index] = event.usage
                yield _piece(envelope, _choice(index, "", None, event.reason))
            elif event.text or event.tokens:
                table = _table(body, writers[index], event.tokens)
                yield _piece(envelope, _choice(index, event.text, table, None))
    if body.stream_options is not None and body.stream_options.include_usage:
        yield _whole(envelope, [], costs, body.n)


def _request(body: CompletionBody, prompt: str | list[int], choice: int) -> TextRequest:
    return TextRequest(
        prompt=prompt,
        suffix=body.suffix,
        max_tokens=None if body.max_tokens == -1 else body.max_tokens,
        sampling=sampling(body, Sampling(), choice),
        stop=tuple(body.stop),
        logprobs=body.logprobs,
        prompt_logprobs=body.echo and body.logprobs is not None,
        grammar=grammar(body),
    )


def _writer(body: CompletionBody, text: str) -> LogprobWriter:
    return LogprobWriter(0 if body.echo else len(text))


def _table(
    body: CompletionBody, writer: LogprobWriter, tokens: Sequence[TokenLogprob]
) -> Logprobs | None:
    return None if body.logprobs is None else writer.table(tokens)


def _choice(
    index: int, text: str, logprobs: Logprobs | None, reason: FinishReason | None
) -> CompletionChoice:
    return CompletionChoice(
        text=text,
        index=index,
        logprobs=logprobs,
        finish_reason=reason,
    )


def _piece(envelope: Envelope, choice: CompletionChoice) -> Completion:
    return Completion(**asdict(envelope), object="text_completion", choices=[choice])


def _whole(
    envelope: Envelope, choices: list[CompletionChoice], costs: Sequence[Usage], n: int
) -> Completion:
    return Completion(
        **asdict(envelope), object="text_completion", choices=choices, usage=usage(costs, n)
    )
