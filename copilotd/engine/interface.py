"""The engine as the use cases see it: a model that is loaded on first use."""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from copilotd.engine.performance import Calibration, CalibrationProgress, Setup
from copilotd.engine.types import (
    Chunk,
    EngineState,
    EngineStats,
    Finished,
    GenerateRequest,
    ModelInfo,
)


class Engine(Protocol):
    """A model that is loaded on first use. All methods but `state` and `stats` may start it.

    Raises (all methods): EngineNotReady while the model is being downloaded, EngineLoadFailed,
    EngineDied, EngineBusy.
    """

    @property
    def state(self) -> EngineState:
        """Where the engine stands now."""
        ...

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function ends that."""
        ...

    async def info(self) -> ModelInfo:
        """What is loaded; waits for the load."""
        ...

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of `text`, without BOS. `special` reads control tokens out of the text."""
        ...

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """How many tokens at the beginning of `prompt` are in the KV cache, its files included."""
        ...

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`, control tokens shown as their names."""
        ...

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`, which may be a part of a character; names as above."""
        ...

    def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output, then `Finished`. Closing the generator cancels the work.

        Raises: ContextOverflow, InvalidRequest, and those of the class.
        """
        ...

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """One vector of unit length, `n_embd` long, per list of token ids.

        Raises: ContextOverflow, InvalidRequest, and those of the class.
        """
        ...

    def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """Stream how far it is, then the result; closing the generator ends it.

        Measures only after `idle_s` seconds without another request, and with `wait_for_idle_cpu`
        only while other programs leave the processor idle. Settings that `requested` fixes are
        not varied.

        Raises: EngineError, and those of the class.
        """
        ...

    def stats(self) -> EngineStats:
        """Counts since the start."""
        ...

    async def close(self) -> None:
        """End the worker; every pending request fails with EngineDied."""
        ...
