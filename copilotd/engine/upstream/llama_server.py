"""llama-server's own endpoints, whose prompts mix text and token ids.

Markers are sent as their ids in the server's vocabulary, and text is sent as text. Text that looks
like a marker is first tokenized by the server, and the prompt gets the resulting ids.
"""

import json
import re
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

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
from copilotd.engine.upstream.embeddings import fetch_embeddings
from copilotd.engine.upstream.http_client import HttpClient
from copilotd.engine.upstream.interface import build_model_info, resolve_family
from copilotd.engine.upstream.models import OfferedModel, choose_model, fetch_models
from copilotd.engine.upstream.pseudo_tokens import PseudoTokenizer, replace_lone_surrogates
from copilotd.errors import InvalidRequest
from copilotd.models.catalogue import Catalogue
from copilotd.models.fim import TOKEN_TEXTS, FimTokens

_TEMPLATE_MARKER = re.compile(r"<[|\uff5c]?[\w\u2581 |\uff5c-]{1,40}[|\uff5c]?>|\[/?[A-Z_]{2,24}\]")
"""Texts in a chat template that may be markers."""


class Props(msgspec.Struct):
    """The part of /props used here; only a llama-server has `default_generation_settings`."""

    class Settings(msgspec.Struct):
        """The settings of one slot."""

        n_ctx: int

    default_generation_settings: Settings
    chat_template: str = ""
    bos_token: str = ""
    eos_token: str = ""


class LlamaServerApi:
    """Implements `UpstreamApi` with a llama-server.

    `marker_ids` are the token ids of the markers in its vocabulary; `bos` is empty without a BOS.
    """

    def __init__(
        self,
        http: HttpClient,
        info: ModelInfo,
        tokenizer: PseudoTokenizer,
        marker_ids: Mapping[str, int],
        bos: Sequence[int],
    ) -> None:
        self.info = info
        self.tokenizer = tokenizer
        self._http = http
        self._marker_ids = marker_ids
        self._bos = bos

    @classmethod
    async def probe(
        cls, http: HttpClient, props: Props, catalogue: Catalogue, model: str, family: str
    ) -> "LlamaServerApi":
        """Ask the server for its model, its markers and its context. Raises: EngineError."""
        offered = choose_model(http.url, await fetch_models(http), model)
        family = resolve_family(offered.name, family, catalogue)
        fim = await _find_fim_markers(http, catalogue.get_fim_texts(family))
        in_template = _TEMPLATE_MARKER.findall(props.chat_template)
        texts = {*fim.values(), *in_template, props.bos_token, props.eos_token}
        marker_ids = await _find_markers(http, filter(None, texts))
        tokenizer = PseudoTokenizer(marker_ids)
        meta = offered.meta or OfferedModel.Meta()
        info = build_model_info(
            http.url,
            offered.name,
            tokenizer,
            FimTokens(**{field: tokenizer.marker_id(text) for field, text in fim.items()}),
            catalogue.get_fim_layout(family),
            n_ctx=props.default_generation_settings.n_ctx,
            chat_template=props.chat_template or None,
            size=meta.size,
            parameters=meta.n_params,
            n_embd=meta.n_embd,
        )
        bos = await _tokenize(http, "", add_special=True)
        return cls(http, info, tokenizer, marker_ids, bos)

    async def list_models(self) -> list[str]:
        """The ids of the models that the server offers now."""
        return [model.id for model in await fetch_models(self._http)]

    async def generate(
        self, request: GenerateRequest, prefix: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output, which begins with `prefix` unless the request has a grammar."""
        body = await self._build_body(request, prefix)
        is_first = True
        async with aclosing(self._http.stream("/completion", body, _CompletionEvent)) as events:
            async for event in events:
                tokens = _convert_logprobs(event, request.logprobs)
                if event.content or tokens:
                    yield Chunk(event.content, tokens, usage=event.usage if is_first else None)
                    is_first = False
                if event.stop:
                    is_limit = event.stop_type == "limit"
                    reason = FinishReason.LENGTH if is_limit else FinishReason.STOP
                    yield Finished(reason, event.usage, event.stopping_word)

    async def prefill(self, request: GenerateRequest) -> None:
        """Have the server evaluate the prompt into its KV cache."""
        body = await self._build_body(request, "")
        await self._http.post("/completion", body, _CompletionEvent)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text; a server that was not started for embeddings refuses."""
        return await fetch_embeddings(self._http, texts, self.info.name)

    async def _build_body(self, request: GenerateRequest, prefix: str) -> dict[str, Any]:
        body = {
            "prompt": await self._render_prompt(request),
            "n_predict": request.max_tokens,
            "stop": request.stop,
            "cache_prompt": True,
            "timings_per_token": True,
            **_render_sampling(request.sampling),
            **_render_grammar(request, prefix),
        }
        # With n_probs 0, the server does not report the chosen token either.
        return body if request.logprobs is None else body | {"n_probs": max(1, request.logprobs)}

    async def _render_prompt(self, request: GenerateRequest) -> str | list[str | int]:
        tail = replace_lone_surrogates(request.tail)
        parts: list[str | int] = []
        for part in (*self.tokenizer.split(request.prompt), *filter(None, [tail])):
            if isinstance(part, int):
                parts.append(self._marker_ids[self.tokenizer.marker_text(part)])
            elif self.tokenizer.has_marker(part):
                parts += await _tokenize(self._http, part)
            else:
                parts.append(part)
        if all(isinstance(part, str) for part in parts):
            return "".join(map(str, parts))
        # If a prompt begins with text, the server adds the BOS itself.
        return parts if isinstance(parts[0], str) else [*self._bos, *parts]


class _Timings(msgspec.Struct):
    cache_n: int = 0
    prompt_ms: float = 0.0
    predicted_ms: float = 0.0


class _Alternative(msgspec.Struct):
    id: int = -1
    logprob: float | None = None
    raw_bytes: list[int] = msgspec.field(default_factory=list, name="bytes")


class _Token(_Alternative):
    top_logprobs: list[_Alternative] = []


class _CompletionEvent(msgspec.Struct):
    content: str = ""
    stop: bool = False
    stop_type: str = ""
    stopping_word: str = ""
    tokens_evaluated: int = 0
    tokens_predicted: int = 0
    timings: _Timings = msgspec.field(default_factory=_Timings)
    completion_probabilities: list[_Token] = []

    @property
    def usage(self) -> Usage:
        return Usage(
            prompt_tokens=self.tokens_evaluated,
            cached_tokens=max(0, self.timings.cache_n),
            completion_tokens=self.tokens_predicted,
            prefill_ms=self.timings.prompt_ms,
            decode_ms=self.timings.predicted_ms,
        )


class _TokenIds(msgspec.Struct):
    tokens: list[int]


class _TokenPiece(msgspec.Struct):
    id: int
    piece: str | list[int]


class _TokenPieces(msgspec.Struct):
    tokens: list[_TokenPiece]


async def _find_fim_markers(http: HttpClient, family_fim: Mapping[str, str]) -> dict[str, str]:
    """The text of each FIM marker in the vocabulary, by field of `FimTokens`.

    If the vocabulary has several texts for a field, the family's own comes first.
    """
    candidates = {field: (family_fim.get(field, ""), *TOKEN_TEXTS[field]) for field in TOKEN_TEXTS}
    known = await _find_markers(http, (t for texts in candidates.values() for t in texts if t))
    fim = {f: next((t for t in texts if t in known), "") for f, texts in candidates.items()}
    return {field: text for field, text in fim.items() if text}


async def _find_markers(http: HttpClient, texts: Iterable[str]) -> dict[str, int]:
    """The ids of the `texts` that are a single token only if special tokens are parsed."""
    lines = "\n".join(sorted(set(texts)))
    plain, special = [await _tokenize_pieces(http, lines, special) for special in (False, True)]
    return {text: special[text] for text in lines.split("\n") if text in special.keys() - plain}


async def _tokenize_pieces(http: HttpClient, text: str, parse_special: bool) -> dict[str, int]:
    """The ids of the tokens of `text`, by the text of each token."""
    body = {"content": text, "parse_special": parse_special, "with_pieces": True}
    answer = await http.post("/tokenize", body, _TokenPieces)
    return {token.piece: token.id for token in answer.tokens if isinstance(token.piece, str)}


async def _tokenize(http: HttpClient, text: str, *, add_special: bool = False) -> list[int]:
    body = {"content": text, "add_special": add_special, "parse_special": False}
    return (await http.post("/tokenize", body, _TokenIds)).tokens


def _render_sampling(sampling: Sampling) -> dict[str, Any]:
    fields = {
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "typical_p": sampling.typical_p,
        "repeat_last_n": sampling.repeat_last_n,
        "repeat_penalty": sampling.repeat_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "logit_bias": [[id, bias] for id, bias in sampling.logit_bias.items()],
    }
    return fields if sampling.seed is None else fields | {"seed": sampling.seed}


def _render_grammar(request: GenerateRequest, prefix: str) -> dict[str, Any]:
    """The request fields that constrain the output. Raises: InvalidRequest."""
    grammar = request.grammar
    if grammar is not None and grammar.schema:
        return {"json_schema": json.loads(grammar.schema)}
    if grammar is not None and not grammar.optional:
        raise InvalidRequest(
            "the model is on a llama-server, which supports JSON schemas but not this grammar",
            "Use a JSON schema, or load the model locally: engine.kind.",
        )
    # This heals tokens: only those that continue the unfinished word are allowed.
    return {"grammar": f"root ::= {_quote_gbnf(prefix)} [^\\x00]*"} if prefix else {}


def _quote_gbnf(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


def _convert_logprobs(event: _CompletionEvent, count: int | None) -> list[TokenLogprob]:
    """The log probabilities of an event, each with at most `count` alternatives."""
    if count is None:
        return []
    return [
        TokenLogprob(
            token.id,
            bytes(token.raw_bytes),
            token.logprob,
            [
                TokenAlternative(a.id, bytes(a.raw_bytes), a.logprob or 0.0)
                for a in token.top_logprobs[:count]
            ],
        )
        for token in event.completion_probabilities
    ]
