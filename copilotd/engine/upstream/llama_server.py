"""llama-server's own endpoints, which take a prompt of text and token ids mixed.

Markers go as the ids that its vocabulary has for them, and text as text, which it reads as it has
always done. Where text looks like a marker, it is asked for the tokens of the text.
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
from copilotd.engine.upstream.embeddings import embeddings
from copilotd.engine.upstream.http_client import HttpClient
from copilotd.engine.upstream.interface import family_of, model_info
from copilotd.engine.upstream.models import Offer, chosen, offers
from copilotd.engine.upstream.pseudo_tokens import PseudoTokenizer, clean
from copilotd.errors import InvalidRequest
from copilotd.models.catalogue import Catalogue
from copilotd.models.fim import TEXTS, FimTokens

_IN_TEMPLATE = re.compile(r"<[|\uff5c]?[\w\u2581 |\uff5c-]{1,40}[|\uff5c]?>|\[/?[A-Z_]{2,24}\]")
"""What may be a marker in a chat template."""


class Props(msgspec.Struct):
    """The part of /props that counts; `default_generation_settings` tells it from others."""

    class Settings(msgspec.Struct):
        """Of one slot."""

        n_ctx: int

    default_generation_settings: Settings
    chat_template: str = ""
    bos_token: str = ""
    eos_token: str = ""


class LlamaServer:
    """A llama-server that was looked at; `ids` are those of its vocabulary, by marker."""

    def __init__(
        self,
        server: HttpClient,
        info: ModelInfo,
        tokens: PseudoTokenizer,
        ids: Mapping[str, int],
        bos: Sequence[int],
    ) -> None:
        self.info = info
        self.tokens = tokens
        self._server = server
        self._ids = ids
        self._bos = bos

    @classmethod
    async def look(
        cls, server: HttpClient, props: Props, catalogue: Catalogue, model: str, family: str
    ) -> "LlamaServer":
        """Ask it for its model, its markers and its context. Raises: EngineError."""
        offer = chosen(server.url, await offers(server), model)
        family = family_of(offer.name, family, catalogue)
        fim = await _fim(server, catalogue.fim_fallback(family))
        found = _IN_TEMPLATE.findall(props.chat_template)
        texts = {*fim.values(), *found, props.bos_token, props.eos_token}
        ids = await _single(server, filter(None, texts))
        tokens = PseudoTokenizer(ids)
        meta = offer.meta or Offer.Meta()
        info = model_info(
            server.url,
            offer.name,
            tokens,
            FimTokens(**{field: tokens.id(text) for field, text in fim.items()}),
            catalogue.layout(family),
            n_ctx=props.default_generation_settings.n_ctx,
            chat_template=props.chat_template or None,
            size=meta.size,
            parameters=meta.n_params,
            n_embd=meta.n_embd,
        )
        return cls(server, info, tokens, ids, await _tokenized(server, "", add_special=True))

    async def offered(self) -> list[str]:
        """The ids of the models it has now."""
        return [offer.id for offer in await offers(self._server)]

    async def generate(
        self, request: GenerateRequest, begins: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output, which begins with `begins` unless a grammar is asked for."""
        body = await self._body(request, begins)
        is_first = True
        async with aclosing(self._server.stream("/completion", body, _Piece)) as pieces:
            async for piece in pieces:
                tokens = _logprobs(piece, request.logprobs)
                if piece.content or tokens:
                    yield Chunk(piece.content, tokens, usage=piece.usage if is_first else None)
                    is_first = False
                if piece.stop:
                    is_limit = piece.stop_type == "limit"
                    reason = FinishReason.LENGTH if is_limit else FinishReason.STOP
                    yield Finished(reason, piece.usage, piece.stopping_word)

    async def read(self, request: GenerateRequest) -> None:
        """Have it read the prompt into its KV cache."""
        await self._server.post("/completion", await self._body(request, ""), _Piece)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text; one that was not started for it refuses."""
        return await embeddings(self._server, texts, self.info.name)

    async def _body(self, request: GenerateRequest, begins: str) -> dict[str, Any]:
        body = {
            "prompt": await self._prompt(request),
            "n_predict": request.max_tokens,
            "stop": request.stop,
            "cache_prompt": True,
            "timings_per_token": True,
            **_sampling(request.sampling),
            **_shape(request, begins),
        }
        # It reports the chosen token only where it reports others.
        return body if request.logprobs is None else body | {"n_probs": max(1, request.logprobs)}

    async def _prompt(self, request: GenerateRequest) -> str | list[str | int]:
        parts: list[str | int] = []
        for part in (*self.tokens.parts(request.prompt), *filter(None, [clean(request.tail)])):
            if isinstance(part, int):
                parts.append(self._ids[self.tokens.text(part)])
            elif self.tokens.has_marker(part):
                parts += await _tokenized(self._server, part)
            else:
                parts.append(part)
        if all(isinstance(part, str) for part in parts):
            return "".join(map(str, parts))
        # Before a text it puts the BOS itself.
        return parts if isinstance(parts[0], str) else [*self._bos, *parts]


class _Timings(msgspec.Struct):
    cache_n: int = 0
    prompt_ms: float = 0.0
    predicted_ms: float = 0.0


class _Alternative(msgspec.Struct):
    id: int = -1
    logprob: float | None = None
    raw: list[int] = msgspec.field(default_factory=list, name="bytes")


class _Token(_Alternative):
    top_logprobs: list[_Alternative] = []


class _Piece(msgspec.Struct):
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


class _Tokens(msgspec.Struct):
    tokens: list[int]


class _Named(msgspec.Struct):
    id: int
    piece: str | list[int]


class _WithPieces(msgspec.Struct):
    tokens: list[_Named]


async def _fim(server: HttpClient, family: Mapping[str, str]) -> dict[str, str]:
    """The text of every FIM marker that its vocabulary has, the family's before all others."""
    wanted = {field: (family.get(field, ""), *TEXTS[field]) for field in TEXTS}
    known = await _single(server, (text for texts in wanted.values() for text in texts if text))
    found = {f: next((t for t in texts if t in known), "") for f, texts in wanted.items()}
    return {field: text for field, text in found.items() if text}


async def _single(server: HttpClient, texts: Iterable[str]) -> dict[str, int]:
    """Those of `texts` that are one token, and one only if they are read as markers."""
    lines = "\n".join(sorted(set(texts)))
    plain, special = [await _pieces(server, lines, special) for special in (False, True)]
    return {text: special[text] for text in lines.split("\n") if text in special.keys() - plain}


async def _pieces(server: HttpClient, text: str, parse_special: bool) -> dict[str, int]:
    """The tokens of `text` by how they are written."""
    body = {"content": text, "parse_special": parse_special, "with_pieces": True}
    found = (await server.post("/tokenize", body, _WithPieces)).tokens
    return {token.piece: token.id for token in found if isinstance(token.piece, str)}


async def _tokenized(server: HttpClient, text: str, *, add_special: bool = False) -> list[int]:
    body = {"content": text, "add_special": add_special, "parse_special": False}
    return (await server.post("/tokenize", body, _Tokens)).tokens


def _sampling(sampling: Sampling) -> dict[str, Any]:
    asked = {
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
    return asked if sampling.seed is None else asked | {"seed": sampling.seed}


def _shape(request: GenerateRequest, begins: str) -> dict[str, Any]:
    """What the output has to keep to."""
    grammar = request.grammar
    if grammar is not None and grammar.schema:
        return {"json_schema": json.loads(grammar.schema)}
    if grammar is not None and not grammar.optional:
        raise InvalidRequest(
            "the model is on a llama-server, which keeps to JSON schemas and to no such grammar",
            "Ask for a JSON schema, or load the model here: engine.kind.",
        )
    # The same as token healing: of all tokens those are allowed that go on with the word.
    return {"grammar": f"root ::= {_quoted(begins)} [^\\x00]*"} if begins else {}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


def _logprobs(piece: _Piece, wanted: int | None) -> list[TokenLogprob]:
    if wanted is None:
        return []
    return [
        TokenLogprob(
            token.id,
            bytes(token.raw),
            token.logprob,
            [
                TokenAlternative(c.id, bytes(c.raw), c.logprob or 0.0)
                for c in token.top_logprobs[:wanted]
            ],
        )
        for token in piece.completion_probabilities
    ]
