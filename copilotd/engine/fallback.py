"""An upstream server first, and the local model while that server does not respond.

Each engine makes its own token ids, and a prompt belongs to the engine that made its ids; the ids
of the upstream engine are recognizable. If a prompt was made for the server and the server is down,
the request fails with a retryable error. The local model never reads such a prompt.
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
    """Implements `copilotd.engine.interface.Engine` with an upstream and a local engine."""

    def __init__(self, upstream: UpstreamEngine, local: Engine) -> None:
        self._upstream = upstream
        self._local = local
        self._is_local = False
        self._listeners: list[Callable[[EngineState], None]] = []
        upstream.subscribe(self._handle_upstream_state)
        local.subscribe(self._handle_local_state)

    @property
    def state(self) -> EngineState:
        """The state of the active engine; for the local one, the detail says why it is active."""
        if not self._is_local:
            return self._upstream.state
        state = self._local.state
        local_detail = f" ({state.detail})" if state.detail else ""
        detail = f"the local model answers: {self._upstream.state.detail}{local_detail}"
        return EngineState(state.phase, detail, state.fraction)

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def info(self) -> ModelInfo:
        """The active model: asks the server, and loads the local model if the server is down."""
        try:
            return await self._upstream.info()
        except EngineError:
            return await self._local.info()

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """The token ids of `text` in the active engine."""
        return await self._active_engine().tokenize(text, special=special)

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`, from the engine that made them."""
        return await self._owner(tokens).detokenize(tokens)

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`, from the engine that made them."""
        return await self._owner(tokens).token_bytes(tokens)

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """The number of leading tokens of `prompt` that need no evaluation."""
        return await self._owner(prompt).cached_prefix_length(prompt)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output of the engine that made the prompt, then `Finished`.

        Raises:
            UpstreamFailed: the prompt was made for the server, which is down now.
            EngineDied: the prompt has tokens of both engines.
        """
        engine = self._owner(request.prompt)
        if engine is self._upstream and not all(map(is_pseudo_token, request.prompt)):
            raise EngineDied("another model answers now", "Try again.")
        try:
            async with aclosing(engine.generate(request)) as events:
                async for event in events:
                    yield event
        except UpstreamFailed as error:
            raise UpstreamFailed(error.message, RETRY_HINT) from error

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """One unit vector per list of token ids."""
        return await self._owner([token for tokens in inputs for token in tokens]).embed(inputs)

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """Measure the active engine."""
        engine = self._active_engine()
        async with aclosing(
            engine.calibrate(requested, idle_s, wait_for_idle_cpu=wait_for_idle_cpu)
        ) as steps:
            async for step in steps:
                if engine is not self._active_engine():
                    raise EngineDied("another model answers now", "Try again: copilotd tune.")
                yield step

    def stats(self) -> EngineStats:
        """The counts of both engines; memory and process id are the local model's."""
        return self._upstream.stats() + self._local.stats()

    async def close(self) -> None:
        """Close both engines."""
        await self._upstream.close()
        await self._local.close()

    def _active_engine(self) -> Engine:
        return self._local if self._is_local else self._upstream

    def _owner(self, tokens: list[int]) -> Engine:
        """The engine that made `tokens`; the active one if there are none."""
        if not tokens:
            return self._active_engine()
        return self._upstream if any(map(is_pseudo_token, tokens)) else self._local

    def _handle_upstream_state(self, state: EngineState) -> None:
        is_local = state.phase is Phase.FAILED
        if is_local is self._is_local:
            self._notify(self.state)
            return
        self._is_local = is_local
        active = "the local model" if is_local else "the upstream"
        log.info("%s answers from now on", active)
        # The LOADING state between two models makes listeners drop what they cached for the old
        # model.
        self._notify(EngineState(Phase.LOADING, f"switching to {active}"))
        self._notify(self.state)

    def _handle_local_state(self, state: EngineState) -> None:
        if self._is_local:
            self._notify(self.state)

    def _notify(self, state: EngineState) -> None:
        for listener in tuple(self._listeners):
            listener(state)
