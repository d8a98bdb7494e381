"""The interface of an engine, which is all that the code above it knows of it."""

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
    """A model that is loaded on first use.

    All methods except `state`, `subscribe`, `stats` and `close` may load it.

    Raises (those methods): EngineNotReady while the model is being downloaded, EngineLoadFailed,
    EngineDied, EngineBusy.
    """

    @property
    def state(self) -> EngineState:
        """The state of the engine now."""
        ...

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function unsubscribes it."""
        ...

    async def info(self) -> ModelInfo:
        """The loaded model; waits for the load."""
        ...

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """The token ids of `text`, without BOS. `special` parses control tokens in the text."""
        ...

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """The number of leading tokens of `prompt` in the KV cache, saved states included."""
        ...

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`; a control token gives its name."""
        ...

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`; for a control token, the bytes of its name."""
        ...

    def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output, then `Finished`. Closing the generator cancels the work.

        Raises: ContextOverflow, InvalidRequest, and the errors of the class.
        """
        ...

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """One vector of unit length, `n_embd` long, per list of token ids.

        Raises: ContextOverflow, InvalidRequest, and the errors of the class.
        """
        ...

    def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """Measure the model: stream the progress, then the result.

        Measures only after `idle_s` seconds without another request, and with `wait_for_idle_cpu`
        only while other programs leave the processor idle. Does not vary the settings that
        `requested` fixes. Closing the generator ends the measurement.

        Raises: EngineError, and the errors of the class.
        """
        ...

    def stats(self) -> EngineStats:
        """Counts since the start."""
        ...

    async def close(self) -> None:
        """End the worker; every pending request fails with EngineDied."""
        ...
