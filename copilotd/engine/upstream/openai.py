"""OpenAI's endpoints, as vLLM and SGLang have them: text in, text out.

A prompt goes to /v1/completions as text. Its markers are written out, and such a server parses
every marker in the text. So a marker in the user's code gets a space. A conversation goes to
/v1/chat/completions, because these servers do not show their chat template.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from copilotd.engine.types import Chunk, Finished, GenerateRequest, ModelInfo, Sampling
from copilotd.engine.upstream import conversation
from copilotd.engine.upstream.embeddings import fetch_embeddings
from copilotd.engine.upstream.http_client import HttpClient
from copilotd.engine.upstream.interface import build_model_info, resolve_family
from copilotd.engine.upstream.models import choose_model, fetch_models
from copilotd.engine.upstream.openai_stream import CompletionEvent, convert_events
from copilotd.engine.upstream.pseudo_tokens import PseudoTokenizer, replace_lone_surrogates
from copilotd.errors import InvalidRequest
from copilotd.models.catalogue import Catalogue
from copilotd.models.fim import FimTokens

_DEFAULT_N_CTX = 8192
"""The context if the server does not report it."""
_MIN_ANSWER_TOKENS = 16
"""Requested even if the prompt seems to fill the context, because its length is an estimate."""


class OpenAIApi:
    """Implements `UpstreamApi` with OpenAI's endpoints; `model_id` is the server's name for it."""

    def __init__(
        self, http: HttpClient, info: ModelInfo, tokenizer: PseudoTokenizer, model_id: str
    ) -> None:
        self.info = info
        self.tokenizer = tokenizer
        self._http = http
        self._model_id = model_id

    @classmethod
    async def probe(
        cls, http: HttpClient, catalogue: Catalogue, model: str, family: str
    ) -> "OpenAIApi":
        """Ask the server for its models. Raises: UpstreamFailed, EngineBusy."""
        offered = choose_model(http.url, await fetch_models(http), model)
        family = resolve_family(offered.name, family, catalogue)
        fim = catalogue.get_fim_texts(family)
        tokenizer = PseudoTokenizer([*fim.values(), *conversation.MARKERS])
        info = build_model_info(
            http.url,
            offered.name,
            tokenizer,
            FimTokens(**{field: tokenizer.marker_id(text) for field, text in fim.items()}),
            catalogue.get_fim_layout(family),
            n_ctx=offered.max_model_len or _DEFAULT_N_CTX,
            chat_template=conversation.TEMPLATE,
        )
        return cls(http, info, tokenizer, offered.id)

    async def list_models(self) -> list[str]:
        """The ids of the models that the server offers now."""
        return [model.id for model in await fetch_models(self._http)]

    async def generate(
        self, request: GenerateRequest, prefix: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output; this API cannot enforce the `prefix`."""
        messages = conversation.parse_messages(self.tokenizer, request.prompt)
        if messages is None:
            completion_events = self._stream_text(request)
        else:
            completion_events = self._stream_chat(request, messages)
        async with aclosing(convert_events(completion_events)) as events:
            async for event in events:
                yield event

    async def prefill(self, request: GenerateRequest) -> None:
        """Do nothing: a server with a GPU evaluates a prompt quickly, and has other users."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, if the model makes embeddings."""
        return await fetch_embeddings(self._http, texts, self._model_id)

    def _stream_text(self, request: GenerateRequest) -> AsyncGenerator[CompletionEvent, None]:
        if request.grammar is not None and not request.grammar.optional:
            raise InvalidRequest(
                "the model is on a server that supports no grammar for text completions",
                "Use a chat completion with a JSON schema.",
            )
        body = self._build_body(request) | {"prompt": self._render_prompt(request)}
        if request.logprobs is not None:
            body["logprobs"] = request.logprobs
        return self._http.stream("/v1/completions", body, CompletionEvent)

    def _stream_chat(
        self, request: GenerateRequest, messages: list[dict[str, str]]
    ) -> AsyncGenerator[CompletionEvent, None]:
        body = self._build_body(request) | {"messages": messages} | _render_grammar(request)
        if messages[-1]["role"] == "assistant":
            # The beginning of the answer is given. Only vLLM and SGLang know these two fields.
            body |= {"add_generation_prompt": False, "continue_final_message": True}
        if request.logprobs is not None:
            body |= {"logprobs": True, "top_logprobs": request.logprobs}
        return self._http.stream("/v1/chat/completions", body, CompletionEvent)

    def _build_body(self, request: GenerateRequest) -> dict[str, Any]:
        body = {
            "model": self._model_id,
            "max_tokens": min(request.max_tokens, self._free_tokens(request)),
            "stream_options": {"include_usage": True},
            **_render_sampling(request.sampling),
        }
        return body | {"stop": request.stop} if request.stop else body

    def _free_tokens(self, request: GenerateRequest) -> int:
        """A low estimate of the tokens left for the answer: the server refuses to exceed them."""
        return max(_MIN_ANSWER_TOKENS, self.info.n_ctx - len(request.prompt) * 3 // 2)

    def _render_prompt(self, request: GenerateRequest) -> str:
        tokenizer = self.tokenizer
        parts = (
            tokenizer.marker_text(part) if isinstance(part, int) else tokenizer.break_markers(part)
            for part in tokenizer.split(request.prompt)
        )
        tail = replace_lone_surrogates(request.tail)
        return "".join(parts) + tokenizer.break_markers(tail)


def _render_sampling(sampling: Sampling) -> dict[str, Any]:
    """The sampling fields of a request; our default values are left to the server's defaults.

    So the request has only fields that the server knows: top_k, min_p and the repetition penalty
    are not part of OpenAI's API, although vLLM and SGLang have them.
    """
    defaults = Sampling()
    fields: dict[str, Any] = {
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repeat_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "seed": sampling.seed,
    }
    changed = {name: value for name, value in fields.items() if value != getattr(defaults, name)}
    if "repeat_penalty" in changed:
        changed["repetition_penalty"] = changed.pop("repeat_penalty")
    if sampling.logit_bias:
        changed["logit_bias"] = {str(id): bias for id, bias in sampling.logit_bias.items()}
    return {"temperature": sampling.temperature, **changed}


def _render_grammar(request: GenerateRequest) -> dict[str, Any]:
    """The request field that constrains the answer. Raises: InvalidRequest."""
    grammar = request.grammar
    if grammar is None or (grammar.optional and not grammar.schema):
        return {}
    if not grammar.schema:
        raise InvalidRequest(
            "the model is on a server that supports JSON schemas but not this grammar",
            "Use a JSON schema, or load the model locally: engine.kind.",
        )
    schema = {"name": "answer", "schema": json.loads(grammar.schema), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}
