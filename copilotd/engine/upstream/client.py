"""The upstream engine: sends requests to a server that holds the model."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from msgspec.structs import replace

from copilotd.engine.performance import Calibration, CalibrationProgress, Setup
from copilotd.engine.types import (
    Chunk,
    EngineState,
    EngineStats,
    Finished,
    FinishReason,
    GenerateRequest,
    Lane,
    ModelInfo,
    Phase,
    UpstreamStatus,
    Usage,
)
from copilotd.engine.upstream.http_client import HttpClient
from copilotd.engine.upstream.interface import UpstreamApi
from copilotd.engine.upstream.monitor import (
    CHECK_EVERY_S,
    ProbeServer,
    StateListener,
    UpstreamMonitor,
)
from copilotd.engine.upstream.partial_word import (
    PrefixMismatch,
    remove_prefix,
    split_partial_word,
)
from copilotd.engine.upstream.pseudo_tokens import is_pseudo_token
from copilotd.engine.upstream.speed_estimate import estimate_speed
from copilotd.engine.usage import UsageMeter, UsageTotals
from copilotd.errors import InvalidRequest, UpstreamFailed


class UpstreamEngine:
    """Implements `copilotd.engine.interface.Engine` with a server on another machine.

    `probe` finds out which API and model the server has. While the probe fails, requests fail at
    once, and the monitor tries again in the background.
    """

    def __init__(
        self, http: HttpClient, probe: ProbeServer, check_every_s: float = CHECK_EVERY_S
    ) -> None:
        self._http = http
        self._monitor = UpstreamMonitor(http.url, probe, check_every_s)
        self._meters: set[UsageMeter] = set()
        self._no_requests = asyncio.Event()
        self._no_requests.set()
        self._totals = UsageTotals()

    @property
    def state(self) -> EngineState:
        """The state of the engine now."""
        return self._monitor.state

    @property
    def is_down(self) -> bool:
        """Whether the last contact with the server failed."""
        return self._monitor.is_down

    def status(self) -> UpstreamStatus:
        """The status of the server."""
        model = self._monitor.api.info.name if self._monitor.api else ""
        is_up = self.state.phase is Phase.READY
        return UpstreamStatus(self._http.url, model, is_up, self.state.detail)

    def subscribe(self, listener: StateListener) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function unsubscribes it."""
        return self._monitor.subscribe(listener)

    async def info(self) -> ModelInfo:
        """The model of the server; asks for it if need be. Raises: UpstreamFailed, EngineBusy."""
        return (await self._monitor.connect()).info

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """The pseudo-tokens of `text`; `special` parses markers in the text."""
        tokenizer = (await self._monitor.connect()).tokenizer
        return tokenizer.tokenize(text, special=special)

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`. Raises: InvalidRequest for ids that were not made here."""
        _check_ids(tokens)
        return (await self._monitor.connect()).tokenizer.detokenize(tokens)

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`. Raises: InvalidRequest for ids that were not made here."""
        _check_ids(tokens)
        tokenizer = (await self._monitor.connect()).tokenizer
        return [tokenizer.detokenize([token]).encode() for token in tokens]

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """The length of the whole prompt, so that nobody prefills it ahead while a user waits."""
        return len(prompt)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output, then `Finished`. Closing the generator closes the connection.

        Raises: UpstreamFailed, EngineBusy, ContextOverflow, InvalidRequest.
        """
        _check_request(request)
        api = await self._monitor.connect()
        meter = self._start_meter()
        event: Chunk | Finished | None = None
        try:
            async with self._monitor.record_failures(), aclosing(_stream(api, request)) as events:
                async for event in events:
                    self._monitor.record_answer()
                    meter.record(event)
                    yield event
                if not isinstance(event, Finished):
                    raise UpstreamFailed(f"{self._http.url} ended in the middle of an answer")
        finally:
            self._stop_meter(meter)

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """One unit vector per list of token ids. Raises: as `generate`."""
        for tokens in inputs:
            _check_ids(tokens)
        api = await self._monitor.connect()
        async with self._monitor.record_failures():
            vectors = await api.embed([api.tokenizer.detokenize(tokens) for tokens in inputs])
        return [_normalize(vector) for vector in vectors]

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """Measure the server's speed, network included; `requested` has no effect."""
        await self._wait_until_idle(idle_s)
        async with aclosing(estimate_speed(self.generate, self.tokenize)) as steps:
            async for step in steps:
                yield step

    def stats(self) -> EngineStats:
        """Counts since the start; an outage counts as a restart."""
        self._totals.restarts = self._monitor.outages
        return self._totals.stats(running=len(self._meters))

    async def close(self) -> None:
        """Close all connections."""
        await self._monitor.close()
        await self._http.close()

    def _start_meter(self) -> UsageMeter:
        meter = UsageMeter()
        self._meters.add(meter)
        self._no_requests.clear()
        self._totals.requests += 1
        return meter

    def _stop_meter(self, meter: UsageMeter) -> None:
        self._meters.discard(meter)
        if not self._meters:
            self._no_requests.set()
        self._totals.add(meter.usage())

    async def _wait_until_idle(self, idle_s: float) -> None:
        """Wait until the server has not answered for `idle_s` seconds."""
        while True:
            await self._no_requests.wait()
            remaining_s = idle_s - self._monitor.seconds_since_answer()
            if remaining_s <= 0:
                return
            await asyncio.sleep(remaining_s)


async def _stream(
    api: UpstreamApi, request: GenerateRequest
) -> AsyncGenerator[Chunk | Finished, None]:
    """Stream the output that follows `request.tail`, whose last word may be unfinished."""
    if request.max_tokens == 0:
        # Prefill only in a pause: when a user waits, the request itself evaluates the prompt.
        if request.lane is Lane.BACKGROUND:
            await api.prefill(request)
        yield Finished(FinishReason.LENGTH, Usage())
        return
    head, word = split_partial_word(request.tail)
    if word:
        # The word needs further tokens: about one for every two characters.
        max_tokens = request.max_tokens + max(2, len(word) // 2)
        longer = replace(request, tail=head, max_tokens=max_tokens)
        with suppress(PrefixMismatch):
            async with aclosing(remove_prefix(api.generate(longer, word), word)) as events:
                async for event in events:
                    yield event
            return
    async with aclosing(api.generate(request, "")) as events:
        async for event in events:
            yield event


def _check_request(request: GenerateRequest) -> None:
    _check_ids(request.prompt)
    if request.prompt_logprobs:
        raise InvalidRequest(
            "the model is on another server, which does not report log probabilities of prompts",
            "Leave out echo, or load the model locally: engine.kind.",
        )


def _check_ids(tokens: list[int]) -> None:
    if not all(map(is_pseudo_token, tokens)):
        raise InvalidRequest(
            "the prompt has token ids of a model's vocabulary, but the model is on another server",
            "Send the prompt as text.",
        )


def _normalize(vector: list[float]) -> list[float]:
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector] if length else vector
