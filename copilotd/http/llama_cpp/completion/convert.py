"""Converts between the fields of /completion and copilotd's values."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from msgspec.structs import replace

from copilotd.chat.tool_calls.grammar import build_schema_grammar
from copilotd.completion.raw_text import TextRequest
from copilotd.config import LlamaCppSection
from copilotd.engine import types as engine_types
from copilotd.engine.gbnf import convert_gbnf
from copilotd.engine.types import Chunk, Finished, FinishReason, Grammar, ModelInfo, TokenLogprob
from copilotd.http.llama_cpp.completion.bias import build_bias
from copilotd.http.llama_cpp.completion.schema import (
    Candidate,
    Completion,
    CompletionBody,
    Piece,
    Probability,
    Selected,
)
from copilotd.http.llama_cpp.completion.settings import (
    MAX_PROBS,
    build_sampling,
    report_settings,
    resolve_limit,
)
from copilotd.http.llama_cpp.prompts import tokenize_prompt
from copilotd.http.llama_cpp.selection import select_fields
from copilotd.http.llama_cpp.timings import Timings
from copilotd.http.shared.parallel import Reply, TextEvents
from copilotd.serving.registry import ServedModel


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """One generation: the request for the engine, and the values that the response repeats."""

    request: TextRequest
    prompt: str
    model: str
    settings: dict[str, Any]
    n_ctx: int


async def prepare_requests(
    body: CompletionBody, model: ServedModel, section: LlamaCppSection
) -> list[PreparedRequest]:
    """`n_cmpl` requests for each prompt.

    Raises:
        EngineError: the model cannot be loaded, or cannot tokenize the prompt.
        InvalidRequest: the grammar is not valid.
    """
    info = await model.text.info()
    limit, bias = resolve_limit(body, section), await build_bias(body, model.engine, info)
    base, grammar = build_sampling(body, section, bias, info.n_ctx), _parse_grammar(body)
    prepared: list[PreparedRequest] = []
    for prompt in body.prompt:
        tokens = _replace_empty_prompt(await tokenize_prompt(model.engine, info, prompt), info)
        text = await model.engine.detokenize(tokens)
        for i in range(body.n_cmpl):
            own = base if base.seed is None else replace(base, seed=base.seed + i)
            request = TextRequest(
                prompt=tokens,
                max_tokens=None if limit < 0 else limit,
                sampling=own,
                stop=tuple(body.stop),
                logprobs=min(body.n_probs, MAX_PROBS) if _needs_token_ids(body) else None,
                grammar=grammar,
            )
            settings = report_settings(body, limit, own)
            prepared.append(PreparedRequest(request, text, model.alias, settings, info.n_ctx))
    return prepared


def build_response(
    body: CompletionBody, index: int, prepared: PreparedRequest, reply: Reply
) -> dict[str, Any]:
    """One whole completion."""
    answer = _build_completion(
        prepared, index, Finished(reply.reason, reply.usage, reply.stop), reply.text
    )
    if body.return_tokens:
        answer = answer.model_copy(update={"tokens": [token.id for token in reply.tokens]})
    if body.n_probs:
        probabilities = [_to_probability(token) for token in reply.tokens]
        answer = answer.model_copy(update={"completion_probabilities": probabilities})
    return _select(body, answer)


async def stream_pieces(
    body: CompletionBody, prepared: Sequence[PreparedRequest], events: TextEvents
) -> AsyncGenerator[Piece | Selected, None]:
    """The completions in pieces; the last piece of each has no text and says how it ended."""
    generated, has_newline = [0] * len(prepared), [False] * len(prepared)
    evaluated = [0] * len(prepared)
    async with aclosing(events):
        async for index, event in events:
            if isinstance(event, Finished):
                content = "\n" if has_newline[index] else ""
                end = _build_completion(prepared[index], index, event, content)
                yield Selected(_select(body, end.model_copy(update={"content": ""})))
                continue
            if event.usage is not None:
                evaluated[index] = event.usage.prompt_tokens
            generated[index] += len(event.tokens)
            has_newline[index] |= "\n" in event.text
            if event.text or event.tokens:
                yield _build_piece(body, index, event, generated[index], evaluated[index])


def _needs_token_ids(body: CompletionBody) -> bool:
    """Whether the response lists its tokens."""
    return body.stream or body.return_tokens or body.n_probs > 0


def _replace_empty_prompt(tokens: list[int], info: ModelInfo) -> list[int]:
    """The tokens, or BOS alone: a model cannot generate from an empty prompt."""
    return tokens if tokens or info.bos is None else [info.bos]


def _parse_grammar(body: CompletionBody) -> Grammar | None:
    if body.json_schema is not None:
        return build_schema_grammar(body.json_schema or {"type": "object"})
    return convert_gbnf(body.grammar) if body.grammar else None


def _build_piece(
    body: CompletionBody, index: int, chunk: Chunk, generated: int, evaluated: int
) -> Piece:
    piece = Piece(
        index=index,
        content=chunk.text,
        tokens=[token.id for token in chunk.tokens],
        stop=False,
        id_slot=0,
        tokens_predicted=generated,
        tokens_evaluated=evaluated,
    )
    if not body.n_probs:
        return piece
    probabilities = [_to_probability(token) for token in chunk.tokens]
    return piece.model_copy(update={"completion_probabilities": probabilities})


def _build_completion(
    prepared: PreparedRequest, index: int, finished: Finished, content: str
) -> Completion:
    usage = finished.usage
    return Completion(
        index=index,
        content=content,
        tokens=[],
        id_slot=0,
        stop=True,
        model=prepared.model,
        tokens_predicted=usage.completion_tokens,
        tokens_evaluated=usage.prompt_tokens,
        tokens_cached=usage.cached_tokens,
        generation_settings=prepared.settings,
        prompt=prepared.prompt,
        has_new_line="\n" in content,
        truncated=_is_truncated(prepared, finished),
        stop_type=_find_stop_type(finished),
        stopping_word=finished.stop_text,
        timings=Timings.from_usage(usage),
    )


def _is_truncated(prepared: PreparedRequest, finished: Finished) -> bool:
    used = finished.usage.prompt_tokens + finished.usage.completion_tokens
    return finished.reason is FinishReason.LENGTH and used >= prepared.n_ctx


def _find_stop_type(finished: Finished) -> Literal["eos", "word", "limit"]:
    if finished.reason is FinishReason.LENGTH:
        return "limit"
    return "word" if finished.stop_text else "eos"


def _select(body: CompletionBody, answer: Completion) -> dict[str, Any]:
    return select_fields(answer.model_dump(exclude_unset=True), body.response_fields)


def _to_probability(token: TokenLogprob) -> Probability:
    return Probability(
        id=token.id,
        token=_decode_text(token.text),
        bytes=list(token.text),
        # Only the first token of a prompt has no log probability.
        logprob=token.logprob or 0.0,
        top_logprobs=[_to_candidate(candidate) for candidate in token.top],
    )


def _to_candidate(candidate: engine_types.TokenAlternative) -> Candidate:
    return Candidate(
        id=candidate.id,
        token=_decode_text(candidate.text),
        bytes=list(candidate.text),
        logprob=candidate.logprob,
    )


def _decode_text(data: bytes) -> str:
    """The whole characters of a token."""
    return data.decode("utf-8", "ignore")
