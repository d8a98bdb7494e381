"""OpenAI's endpoints, as vLLM and SGLang have them: text in, text out.

A prompt goes to /v1/completions as text, with markers written out, which such a server reads as
markers; one that stands in somebody's code gets a space, since no server can be told otherwise. A
conversation goes to /v1/chat/completions: the server does not show its chat template.
"""

import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from copilotd.engine.types import (
    Chunk,
    Finished,
    FinishReason,
    GenerateRequest,
    ModelInfo,
    Sampling,
    TokenAlternative,
    TokenLogprob,
    Usage,
)
from copilotd.engine.upstream import conversation
from copilotd.engine.upstream.embeddings import embeddings
from copilotd.engine.upstream.http_client import HttpClient
from copilotd.engine.upstream.interface import family_of, model_info
from copilotd.engine.upstream.models import chosen, offers
from copilotd.engine.upstream.pseudo_tokens import PseudoTokenizer, clean
from copilotd.errors import InvalidRequest
from copilotd.models.catalogue import Catalogue
from copilotd.models.fim import FimTokens

T = TypeVar("T")

N_CTX = 8192
"""Where the server does not say."""
_LEAST = 16
"""Tokens that are asked for in any case."""
_UNKNOWN = -1
"""The id of a token that is known by its text alone."""


class OpenAI:
    """A server that was looked at; `id` is what it calls the model."""

    def __init__(
        self, server: HttpClient, info: ModelInfo, tokens: PseudoTokenizer, id: str
    ) -> None:
        self.info = info
        self.tokens = tokens
        self._server = server
        self._id = id

    @classmethod
    async def look(
        cls, server: HttpClient, catalogue: Catalogue, model: str, family: str
    ) -> "OpenAI":
        """Ask it for its models. Raises: UpstreamFailed, EngineBusy."""
        offer = chosen(server.url, await offers(server), model)
        family = family_of(offer.name, family, catalogue)
        fim = catalogue.fim_fallback(family)
        tokens = PseudoTokenizer([*fim.values(), *conversation.MARKERS])
        info = model_info(
            server.url,
            offer.name,
            tokens,
            FimTokens(**{field: tokens.id(text) for field, text in fim.items()}),
            catalogue.layout(family),
            n_ctx=offer.max_model_len or N_CTX,
            chat_template=conversation.TEMPLATE,
        )
        return cls(server, info, tokens, offer.id)

    async def offered(self) -> list[str]:
        """The ids of the models it has now."""
        return [offer.id for offer in await offers(self._server)]

    async def generate(
        self, request: GenerateRequest, begins: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output; `begins` is more than it can see to."""
        messages = conversation.messages(self.tokens, request.prompt)
        if messages is None:
            events = self._completed(request)
        else:
            events = self._answered(request, messages)
        async with aclosing(_told(events)) as told:
            async for event in told:
                yield event

    async def read(self, request: GenerateRequest) -> None:
        """Nothing: a server with a GPU reads a prompt in no time, and has others to serve."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, if that is what its model is for."""
        return await embeddings(self._server, texts, self._id)

    def _completed(self, request: GenerateRequest) -> "AsyncGenerator[_Piece, None]":
        if request.grammar is not None and not request.grammar.optional:
            raise InvalidRequest(
                "the model is on a server that keeps to no grammar in a text completion",
                "Ask by way of a chat, and for a JSON schema.",
            )
        body = self._body(request) | {"prompt": self._text(request)}
        if request.logprobs is not None:
            body["logprobs"] = request.logprobs
        return self._server.stream("/v1/completions", body, _Piece)

    def _answered(
        self, request: GenerateRequest, messages: list[dict[str, str]]
    ) -> "AsyncGenerator[_Piece, None]":
        body = self._body(request) | {"messages": messages} | _form(request)
        if messages[-1]["role"] == "assistant":
            # The beginning of the answer is given. Only vLLM and SGLang know these two.
            body |= {"add_generation_prompt": False, "continue_final_message": True}
        if request.logprobs is not None:
            body |= {"logprobs": True, "top_logprobs": request.logprobs}
        return self._server.stream("/v1/chat/completions", body, _Piece)

    def _body(self, request: GenerateRequest) -> dict[str, Any]:
        body = {
            "model": self._id,
            "max_tokens": min(request.max_tokens, self._room(request)),
            "stream_options": {"include_usage": True},
            **_sampling(request.sampling),
        }
        return body | {"stop": request.stop} if request.stop else body

    def _room(self, request: GenerateRequest) -> int:
        """What is left for an answer, at the least: such a server refuses to be asked for more."""
        return max(_LEAST, self.info.n_ctx - len(request.prompt) * 3 // 2)

    def _text(self, request: GenerateRequest) -> str:
        parts = (
            self.tokens.text(part) if isinstance(part, int) else self.tokens.neutral(part)
            for part in self.tokens.parts(request.prompt)
        )
        return "".join(parts) + self.tokens.neutral(clean(request.tail))


async def _told(events: "AsyncGenerator[_Piece, None]") -> AsyncGenerator[Chunk | Finished, None]:
    usage, stop = Usage(), ""
    reason: FinishReason | None = None
    times = [time.perf_counter()]
    async with aclosing(events):
        async for piece in events:
            usage = piece.usage.told if piece.usage else usage
            for choice in piece.choices:
                if choice.said or choice.tokens:
                    times.append(time.perf_counter())
                    yield Chunk(choice.said, choice.tokens)
                if choice.finish_reason:
                    is_limit = choice.finish_reason == "length"
                    reason = FinishReason.LENGTH if is_limit else FinishReason.STOP
                    stop = choice.stop_reason if isinstance(choice.stop_reason, str) else ""
    if reason is not None:
        yield Finished(reason, _timed(usage, times), stop)


def _timed(usage: Usage, times: Sequence[float]) -> Usage:
    """With the times of the pieces behind that of the request, as they were seen from here."""
    begun, first, last = times[0], times[min(1, len(times) - 1)], times[-1]
    return replace(
        usage,
        # A server may count nothing; then a piece is about a token.
        completion_tokens=usage.completion_tokens or len(times) - 1,
        prefill_ms=(first - begun) * 1000,
        decode_ms=(last - first) * 1000,
    )


class _Delta(msgspec.Struct):
    content: str | None = None


class _Alternative(msgspec.Struct):
    token: str
    logprob: float
    raw: list[int] | None = msgspec.field(default=None, name="bytes")

    @property
    def data(self) -> bytes:
        return _bytes(self.token) if self.raw is None else bytes(self.raw)


class _Token(_Alternative):
    top_logprobs: list[_Alternative] = []


class _Logprobs(msgspec.Struct):
    """Of a text completion the first three, of a chat the last."""

    tokens: list[str] = []
    token_logprobs: list[float | None] = []
    top_logprobs: list[dict[str, float] | None] | None = None
    content: list[_Token] | None = None


class _Choice(msgspec.Struct):
    text: str = ""
    delta: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None
    stop_reason: Any = None
    logprobs: _Logprobs | None = None

    @property
    def said(self) -> str:
        return self.text or self.delta.content or ""

    @property
    def tokens(self) -> list[TokenLogprob]:
        if self.logprobs is None:
            return []
        if self.logprobs.content is not None:
            return [_of_chat(token) for token in self.logprobs.content]
        return _of_text(self.logprobs)


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None

    @property
    def told(self) -> Usage:
        cached = self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None
        return Usage(self.prompt_tokens, cached or 0, self.completion_tokens)


class _Piece(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None


def _sampling(sampling: Sampling) -> dict[str, Any]:
    """What is asked for; where a request is content with our default, the server's own holds.

    Only so is nothing sent that a server does not know: top_k, min_p and the penalty of
    repetitions are no part of the dialect, though vLLM and SGLang have them.
    """
    usual = Sampling()
    asked: dict[str, Any] = {
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repeat_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "seed": sampling.seed,
    }
    changed = {name: value for name, value in asked.items() if value != getattr(usual, name)}
    if "repeat_penalty" in changed:
        changed["repetition_penalty"] = changed.pop("repeat_penalty")
    if sampling.logit_bias:
        changed["logit_bias"] = {str(id): bias for id, bias in sampling.logit_bias.items()}
    return {"temperature": sampling.temperature, **changed}


def _form(request: GenerateRequest) -> dict[str, Any]:
    """What the answer has to keep to."""
    grammar = request.grammar
    if grammar is None or (grammar.optional and not grammar.schema):
        return {}
    if not grammar.schema:
        raise InvalidRequest(
            "the model is on a server that keeps to JSON schemas and to no such grammar",
            "Ask for a JSON schema, or load the model here: engine.kind.",
        )
    schema = {"name": "answer", "schema": json.loads(grammar.schema), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _of_chat(token: _Token) -> TokenLogprob:
    top = [TokenAlternative(_UNKNOWN, other.data, other.logprob) for other in token.top_logprobs]
    return TokenLogprob(_UNKNOWN, token.data, token.logprob, top)


def _of_text(table: _Logprobs) -> list[TokenLogprob]:
    rows = table.top_logprobs or [None] * len(table.tokens)
    return [
        TokenLogprob(_UNKNOWN, _bytes(token), logprob, _candidates(row))
        for token, logprob, row in zip(table.tokens, table.token_logprobs, rows, strict=False)
    ]


def _candidates(row: dict[str, float] | None) -> list[TokenAlternative]:
    best_first = sorted((row or {}).items(), key=lambda entry: -entry[1])
    return [TokenAlternative(_UNKNOWN, _bytes(token), logprob) for token, logprob in best_first]


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "replace")
