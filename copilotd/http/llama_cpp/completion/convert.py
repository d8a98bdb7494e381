"""Between the fields of /completion and our values."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from msgspec.structs import replace

from copilotd.chat.tool_calls.grammar import of_schema
from copilotd.completion.raw_text import TextRequest
from copilotd.config import LlamaCppSection
from copilotd.engine import types as engine_request
from copilotd.engine.gbnf import of_gbnf
from copilotd.engine.types import Chunk, Finished, FinishReason, Grammar, ModelInfo, TokenLogprob
from copilotd.http.llama_cpp.completion.bias import bias_of
from copilotd.http.llama_cpp.completion.schema import (
    Candidate,
    Completion,
    CompletionBody,
    Piece,
    Probability,
    Selected,
)
from copilotd.http.llama_cpp.completion.settings import n_predict, sampling, shown
from copilotd.http.llama_cpp.prompts import tokens_of
from copilotd.http.llama_cpp.selection import selected
from copilotd.http.llama_cpp.timings import Timings
from copilotd.http.shared.parallel import Reply, TextEvents
from copilotd.serving.registry import ServedModel


@dataclass(frozen=True, slots=True)
class Wanted:
    """One answer that is asked for: what the engine gets, and what the answer says of it."""

    request: TextRequest
    prompt: str
    model: str
    settings: dict[str, Any]
    n_ctx: int


async def wanted(
    body: CompletionBody, model: ServedModel, section: LlamaCppSection
) -> list[Wanted]:
    """One per prompt and answer.

    Raises: EngineError; InvalidRequest for a grammar that makes no sense.
    """
    info = await model.text.info()
    limit, bias = n_predict(body, section), await bias_of(body, model.engine, info)
    chosen, grammar = sampling(body, section, bias, info.n_ctx), _grammar(body)
    found: list[Wanted] = []
    for prompt in body.prompt:
        tokens = _begun(await tokens_of(model.engine, info, prompt), info)
        text = await model.engine.detokenize(tokens)
        for i in range(body.n_cmpl):
            drawn = chosen if chosen.seed is None else replace(chosen, seed=chosen.seed + i)
            request = TextRequest(
                prompt=tokens,
                max_tokens=None if limit < 0 else limit,
                sampling=drawn,
                stop=tuple(body.stop),
                logprobs=body.n_probs if _names_tokens(body) else None,
                grammar=grammar,
            )
            settings = shown(body, limit, drawn)
            found.append(Wanted(request, text, model.alias, settings, info.n_ctx))
    return found


def completion(body: CompletionBody, index: int, asked: Wanted, reply: Reply) -> dict[str, Any]:
    """One whole answer."""
    answer = _end(asked, index, Finished(reply.reason, reply.usage, reply.stop), reply.text)
    if body.return_tokens:
        answer = answer.model_copy(update={"tokens": [token.id for token in reply.tokens]})
    if body.n_probs:
        told = {"completion_probabilities": [_probability(token) for token in reply.tokens]}
        answer = answer.model_copy(update=told)
    return _fields(body, answer)


async def pieces(
    body: CompletionBody, asked: Sequence[Wanted], events: TextEvents
) -> AsyncGenerator[Piece | Selected, None]:
    """The answers in pieces; the last of each says how it ended."""
    written, lines = [0] * len(asked), [False] * len(asked)
    evaluated = [0] * len(asked)
    async with aclosing(events):
        async for index, event in events:
            if isinstance(event, Finished):
                end = _end(asked[index], index, event, "\n" if lines[index] else "")
                yield Selected(_fields(body, end.model_copy(update={"content": ""})))
                continue
            if event.usage is not None:
                evaluated[index] = event.usage.prompt_tokens
            written[index] += len(event.tokens)
            lines[index] |= "\n" in event.text
            if event.text or event.tokens:
                yield _piece(body, index, event, written[index], evaluated[index])


def _names_tokens(body: CompletionBody) -> bool:
    """Whether the answer has to say which tokens it is made of."""
    return body.stream or body.return_tokens or body.n_probs > 0


def _begun(tokens: list[int], info: ModelInfo) -> list[int]:
    """Something has to be read before anything can be written."""
    return tokens if tokens or info.bos is None else [info.bos]


def _grammar(body: CompletionBody) -> Grammar | None:
    if body.json_schema is not None:
        return of_schema(body.json_schema or {"type": "object"})
    return of_gbnf(body.grammar) if body.grammar else None


def _piece(body: CompletionBody, index: int, chunk: Chunk, written: int, evaluated: int) -> Piece:
    piece = Piece(
        index=index,
        content=chunk.text,
        tokens=[token.id for token in chunk.tokens],
        stop=False,
        id_slot=0,
        tokens_predicted=written,
        tokens_evaluated=evaluated,
    )
    if not body.n_probs:
        return piece
    told = [_probability(token) for token in chunk.tokens]
    return piece.model_copy(update={"completion_probabilities": told})


def _end(asked: Wanted, index: int, finished: Finished, content: str) -> Completion:
    usage = finished.usage
    return Completion(
        index=index,
        content=content,
        tokens=[],
        id_slot=0,
        stop=True,
        model=asked.model,
        tokens_predicted=usage.completion_tokens,
        tokens_evaluated=usage.prompt_tokens,
        tokens_cached=usage.cached_tokens,
        generation_settings=asked.settings,
        prompt=asked.prompt,
        has_new_line="\n" in content,
        truncated=_is_truncated(asked, finished),
        stop_type=_stop_type(finished),
        stopping_word=finished.stop,
        timings=Timings.of(usage),
    )


def _is_truncated(asked: Wanted, finished: Finished) -> bool:
    used = finished.usage.prompt_tokens + finished.usage.completion_tokens
    return finished.reason is FinishReason.LENGTH and used >= asked.n_ctx


def _stop_type(finished: Finished) -> Literal["eos", "word", "limit"]:
    if finished.reason is FinishReason.LENGTH:
        return "limit"
    return "word" if finished.stop else "eos"


def _fields(body: CompletionBody, answer: Completion) -> dict[str, Any]:
    return selected(answer.model_dump(exclude_unset=True), body.response_fields)


def _probability(token: TokenLogprob) -> Probability:
    return Probability(
        id=token.id,
        token=_text(token.text),
        bytes=list(token.text),
        # Only the first token of a prompt has none.
        logprob=token.logprob or 0.0,
        top_logprobs=[_candidate(candidate) for candidate in token.top],
    )


def _candidate(candidate: engine_request.Candidate) -> Candidate:
    return Candidate(
        id=candidate.id,
        token=_text(candidate.text),
        bytes=list(candidate.text),
        logprob=candidate.logprob,
    )


def _text(data: bytes) -> str:
    """What of a token is whole characters."""
    return data.decode("utf-8", "ignore")
