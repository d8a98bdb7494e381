"""Plain text completion and embeddings for API clients, without FIM prompts and filters."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from copilotd.engine.interface import Engine
from copilotd.engine.types import (
    Chunk,
    Finished,
    GenerateRequest,
    Grammar,
    Lane,
    ModelInfo,
    Sampling,
)
from copilotd.errors import ContextOverflow
from copilotd.prompt.fim import build_fim_prompt, prepend_bos


@dataclass(frozen=True, slots=True)
class TextRequest:
    """Continue `prompt` (text or token ids); with a `suffix`, fill in the middle.

    If `max_tokens` is None, as many tokens as fit. `logprobs`, `prompt_logprobs` and `grammar` are
    the fields of `GenerateRequest`.
    """

    prompt: str | list[int]
    suffix: str | None = None
    max_tokens: int | None = 16
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    prompt_logprobs: bool = False
    lane: Lane = Lane.COMPLETION
    grammar: Grammar | None = None


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One unit vector of `n_embd` floats per input, and the tokens that were evaluated."""

    vectors: list[list[float]]
    tokens: int


class TextService:
    """Turns text into prompts for the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def info(self) -> ModelInfo:
        """The loaded model. Raises: EngineError."""
        return await self._engine.info()

    async def generate(self, request: TextRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the continuation, then `Finished`; closing the generator frees the engine.

        Raises: EngineError; InvalidRequest if a suffix is given and the model has no FIM tokens;
            ContextOverflow if the prompt leaves no room for a token.
        """
        info = await self._engine.info()
        prompt = await self._prompt(request, info)
        room = _count_free_tokens(len(prompt), info.n_ctx)
        wanted = GenerateRequest(
            prompt=prompt,
            max_tokens=room if request.max_tokens is None else request.max_tokens,
            sampling=request.sampling,
            stop=list(request.stop),
            lane=request.lane,
            logprobs=request.logprobs,
            prompt_logprobs=request.prompt_logprobs,
            grammar=request.grammar,
        )
        async with aclosing(self._engine.generate(wanted)) as events:
            async for event in events:
                yield event

    async def embed(self, inputs: list[str | list[int]]) -> Embeddings:
        """Embed each input. Raises: EngineError; ContextOverflow for an input that is too long."""
        info = await self._engine.info()
        tokens = [
            [*info.opens, *await self._engine.tokenize(i, special=False), *info.closes]
            if isinstance(i, str)
            else i
            for i in inputs
        ]
        vectors = await self._engine.embed(tokens)
        return Embeddings(vectors, sum(map(len, tokens)))

    async def _prompt(self, request: TextRequest, info: ModelInfo) -> list[int]:
        if not isinstance(request.prompt, str):
            return request.prompt
        if request.suffix is None:
            # A client that sends a rendered FIM or chat template means its markers as tokens.
            return prepend_bos(info, await self._engine.tokenize(request.prompt, special=True))
        before = await self._engine.tokenize(request.prompt, special=False)
        after = await self._engine.tokenize(request.suffix, special=False)
        return build_fim_prompt(info, before, after)


def _count_free_tokens(tokens: int, n_ctx: int) -> int:
    if tokens < n_ctx:
        return n_ctx - tokens
    raise ContextOverflow(
        f"the prompt has {tokens} tokens, the context {n_ctx}",
        "Shorten the prompt, or raise model.n_ctx.",
        tokens,
        n_ctx,
    )
