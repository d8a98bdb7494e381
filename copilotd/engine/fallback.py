"""A server elsewhere first, and the local model while that does not answer.

Both make their own token ids, and a prompt belongs to the one that made it: the ids of an upstream
are told from all others. So a request that was begun with one of them and comes too late for it is
refused with an error that may be retried, and never read by the other.
"""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from copilotd.engine.interface import Engine
from copilotd.engine.performance import Calibration, CalibrationProgress, Setup
from copilotd.engine.types import (
    Chunk,
    EngineState,
    EngineStats,
    Finished,
    GenerateRequest,
    ModelInfo,
    Phase,
)
from copilotd.engine.upstream.client import UpstreamEngine
from copilotd.engine.upstream.pseudo_tokens import is_pseudo_token
from copilotd.errors import EngineDied, EngineError, UpstreamFailed

RETRY_HINT = "The local model answers from now on: try again."

log = logging.getLogger(__name__)


class FallbackEngine:
    """Satisfies `copilotd.engine.interface.Engine` with two of them."""

    def __init__(self, upstream: UpstreamEngine, local: Engine) -> None:
        self._upstream = upstream
        self._local = local
        self._is_local = False
        self._listeners: list[Callable[[EngineState], None]] = []
        upstream.subscribe(self._upstream_changed)
        local.subscribe(self._local_changed)

    @property
    def state(self) -> EngineState:
        """That of the one that answers; of the local one it says why."""
        if not self._is_local:
            return self._upstream.state
        state = self._local.state
        own = f" ({state.detail})" if state.detail else ""
        detail = f"the local model answers: {self._upstream.state.detail}{own}"
        return EngineState(state.phase, detail, state.fraction)

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def info(self) -> ModelInfo:
        """What answers now: the server is asked, and if it is down, the local model is loaded."""
        try:
            return await self._upstream.info()
        except EngineError:
            return await self._local.info()

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """The ids of the one that answers."""
        return await self._now().tokenize(text, special=special)

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`, whoever made them."""
        return await self._of(tokens).detokenize(tokens)

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`, whoever made them."""
        return await self._of(tokens).token_bytes(tokens)

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """How many tokens at the beginning of `prompt` need not be read."""
        return await self._of(prompt).cached_prefix_length(prompt)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output of the one that made the prompt, then `Finished`.

        Raises: UpstreamFailed if that is the server, and it is down by now; EngineDied if both
            have made a part of it.
        """
        engine = self._of(request.prompt)
        if engine is self._upstream and not all(map(is_pseudo_token, request.prompt)):
            raise EngineDied("another model answers by now", "Try again.")
        try:
            async with aclosing(engine.generate(request)) as events:
                async for event in events:
                    yield event
        except UpstreamFailed as error:
            raise UpstreamFailed(error.message, RETRY_HINT) from error

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """One vector of unit length per list of token ids."""
        return await self._of([token for tokens in inputs for token in tokens]).embed(inputs)

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """Measure the one that answers."""
        engine = self._now()
        async with aclosing(
            engine.calibrate(requested, idle_s, wait_for_idle_cpu=wait_for_idle_cpu)
        ) as steps:
            async for step in steps:
                if engine is not self._now():
                    raise EngineDied("another model answers by now", "Try again: copilotd tune.")
                yield step

    def stats(self) -> EngineStats:
        """Counts of both; memory and process are the local model's."""
        one, other = self._upstream.stats(), self._local.stats()
        return EngineStats(
            requests=one.requests + other.requests,
            running=one.running + other.running,
            waiting=one.waiting + other.waiting,
            restarts=one.restarts + other.restarts,
            prompt_tokens=one.prompt_tokens + other.prompt_tokens,
            cached_tokens=one.cached_tokens + other.cached_tokens,
            completion_tokens=one.completion_tokens + other.completion_tokens,
            prefill_ms=one.prefill_ms + other.prefill_ms,
            decode_ms=one.decode_ms + other.decode_ms,
            rss=other.rss,
            pid=other.pid,
        )

    async def close(self) -> None:
        """End both."""
        await self._upstream.close()
        await self._local.close()

    def _now(self) -> Engine:
        return self._local if self._is_local else self._upstream

    def _of(self, tokens: list[int]) -> Engine:
        if not tokens:
            return self._now()
        return self._upstream if any(map(is_pseudo_token, tokens)) else self._local

    def _upstream_changed(self, state: EngineState) -> None:
        is_local = state.phase is Phase.FAILED
        if is_local is self._is_local:
            self._tell(self.state)
            return
        self._is_local = is_local
        who = "the local model" if is_local else "the upstream"
        log.info("%s answers from now on", who)
        # Between two models there is a moment with none, so that nothing made for one is kept.
        self._tell(EngineState(Phase.LOADING, f"turning to {who}"))
        self._tell(self.state)

    def _local_changed(self, state: EngineState) -> None:
        if self._is_local:
            self._tell(self.state)

    def _tell(self, state: EngineState) -> None:
        for listener in tuple(self._listeners):
            listener(state)
