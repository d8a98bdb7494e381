"""The handle: looks at the server when it is first needed, and again after it was down."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress

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
from copilotd.engine.upstream.partial_word import PrefixMismatch, beyond, split
from copilotd.engine.upstream.pseudo_tokens import is_pseudo_token
from copilotd.engine.upstream.speed_estimate import pace
from copilotd.engine.usage import UsageMeter, UsageTotals
from copilotd.errors import CopilotdError, EngineDied, EngineError, InvalidRequest, UpstreamFailed

Listener = Callable[[EngineState], None]
Look = Callable[[], Awaitable[UpstreamApi]]

CHECK_EVERY_S = 30.0
"""A server of which nothing is wanted is asked whether it is still there."""
_BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Pause before the next look, by the number of failures in a row."""

log = logging.getLogger(__name__)


class UpstreamEngine:
    """Satisfies `copilotd.engine.interface.Engine` with a server elsewhere.

    `look` finds out what it is and has; while it fails, requests are refused at once, and it is
    tried again in the background.
    """

    def __init__(
        self, server: HttpClient, look: Look, check_every_s: float = CHECK_EVERY_S
    ) -> None:
        self.state = EngineState(Phase.STOPPED, f"{server.url} was not asked yet")
        self._server = server
        self._look = look
        self._check_every_s = check_every_s
        self._listeners: list[Listener] = []
        self._looking = asyncio.Lock()
        self._fell = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._dialect: UpstreamApi | None = None
        self._offered: list[str] = []
        self._error: CopilotdError | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._answered_at = 0.0
        self._meters: set[UsageMeter] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._totals = UsageTotals()
        self._closed = False

    @property
    def is_down(self) -> bool:
        """Whether it did not answer when it was asked last."""
        return self.state.phase is Phase.FAILED

    def status(self) -> UpstreamStatus:
        """One look at it."""
        model = self._dialect.info.name if self._dialect else ""
        answers = self.state.phase is Phase.READY
        return UpstreamStatus(self._server.url, model, answers, self.state.detail)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def info(self) -> ModelInfo:
        """What it serves; asks it if that is not known. Raises: UpstreamFailed, EngineBusy."""
        return (await self._served()).info

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Ids of our own (see the package)."""
        return (await self._served()).tokens.tokenize(text, special=special)

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`. Raises: InvalidRequest for ids that were not made here."""
        _check_own(tokens)
        return (await self._served()).tokens.detokenize(tokens)

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`. Raises: InvalidRequest for ids that were not made here."""
        _check_own(tokens)
        vocabulary = (await self._served()).tokens
        return [vocabulary.detokenize([token]).encode() for token in tokens]

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """All of it: nothing is read ahead while somebody waits, so nothing is to be saved."""
        return len(prompt)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output, then `Finished`. Closing the generator closes the connection.

        Raises: UpstreamFailed, EngineBusy, ContextOverflow, InvalidRequest.
        """
        _check(request)
        dialect, meter = await self._served(), UsageMeter()
        self._meters.add(meter)
        self._idle.clear()
        self._totals.counts["requests"] += 1
        event: Chunk | Finished | None = None
        try:
            async with self._watched(), aclosing(_events(dialect, request)) as events:
                async for event in events:
                    self._answered_at = time.monotonic()
                    meter.see(event)
                    yield event
                if not isinstance(event, Finished):
                    raise UpstreamFailed(f"{self._server.url} ended in the middle of an answer")
        finally:
            self._meters.discard(meter)
            if not self._meters:
                self._idle.set()
            self._totals.add(meter.usage())

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """One vector of unit length per input. Raises: as `generate`."""
        for tokens in inputs:
            _check_own(tokens)
        dialect = await self._served()
        async with self._watched():
            vectors = await dialect.embed([dialect.tokens.detokenize(each) for each in inputs])
        return [_unit(vector) for vector in vectors]

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """Measure what it costs from here, the network included; `asked` decides nothing."""
        await self._quiet(idle_s)
        async with aclosing(pace(self.generate, self.tokenize)) as steps:
            async for step in steps:
                yield step

    def stats(self) -> EngineStats:
        """Counts since the start; a failure counts as a restart."""
        return EngineStats(
            running=len(self._meters),
            restarts=self._totals.counts["restarts"],
            requests=self._totals.counts["requests"],
            prompt_tokens=self._totals.counts["prompt_tokens"],
            cached_tokens=self._totals.counts["cached_tokens"],
            completion_tokens=self._totals.counts["completion_tokens"],
            prefill_ms=self._totals.prefill_ms,
            decode_ms=self._totals.decode_ms,
        )

    async def close(self) -> None:
        """Close all connections."""
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._server.close()

    async def _quiet(self, for_s: float) -> None:
        """Wait until nothing was answered for so long."""
        while True:
            await self._idle.wait()
            left = self._answered_at + for_s - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left)

    # --- up and down -------------------------------------------------------------------------

    async def _served(self) -> UpstreamApi:
        if self._closed:
            raise EngineDied("the daemon is stopping")
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        if self._dialect is not None and not self.is_down:
            return self._dialect
        if self._error is not None and time.monotonic() < self._retry_at:
            raise self._error
        return await self._looked()

    async def _looked(self) -> UpstreamApi:
        async with self._looking:
            if self._dialect is not None and not self.is_down:
                return self._dialect
            if self._dialect is None and not self.is_down:
                self._enter(EngineState(Phase.LOADING, f"asking {self._server.url}"))
            try:
                dialect = await self._look()
                self._offered = await dialect.offered()
            except EngineError as error:
                self._failed(error)
                raise
            self._dialect, self._error, self._failures = dialect, None, 0
            self._answered_at = time.monotonic()
            self._fell.clear()
            log.info("%s answers", dialect.info.description)
            _warn_of_family(dialect.info)
            self._enter(EngineState(Phase.READY, f"{dialect.info.description} answers"))
            return dialect

    @asynccontextmanager
    async def _watched(self) -> AsyncGenerator[None, None]:
        """Notices that the server is down."""
        try:
            yield
        except UpstreamFailed as error:
            self._failed(error)
            raise

    def _failed(self, error: EngineError) -> None:
        pause_s = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
        self._failures += 1
        self._totals.counts["restarts"] += self._failures == 1
        self._retry_at, self._error = time.monotonic() + pause_s, error
        self._fell.set()
        if self._failures == 1:
            log.error("%s. %s", error.message.rstrip("."), error.hint)
        self._enter(EngineState(Phase.FAILED, error.message))

    async def _watch(self) -> None:
        """Try again while it is down, and look whether it is still there while it is idle."""
        while True:
            if self.is_down:
                await asyncio.sleep(max(0.0, self._retry_at - time.monotonic()))
                with suppress(CopilotdError):
                    await self._looked()
                continue
            # Not asyncio.wait_for, which in Python 3.11 may swallow that this task is cancelled.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._check_every_s):
                    await self._fell.wait()
            if time.monotonic() - self._answered_at >= self._check_every_s:
                await self._check_idle()

    async def _check_idle(self) -> None:
        if self._dialect is None or self.is_down:
            return
        with suppress(CopilotdError):
            async with self._watched():
                if await self._dialect.offered() != self._offered:
                    raise UpstreamFailed(f"{self._server.url} offers other models now")

    def _enter(self, state: EngineState) -> None:
        if state != self.state:
            self.state = state
            for listener in tuple(self._listeners):
                listener(state)


async def _events(
    dialect: UpstreamApi, request: GenerateRequest
) -> AsyncGenerator[Chunk | Finished, None]:
    if request.max_tokens == 0:
        # Read ahead in a pause only: where somebody waits, the request itself reads it.
        if request.lane is Lane.BACKGROUND:
            await dialect.read(request)
        yield Finished(FinishReason.LENGTH, Usage())
        return
    kept, rest = split(request.tail)
    if rest:
        more = max(2, len(rest) // 2)
        longer = replace(request, tail=kept, max_tokens=request.max_tokens + more)
        with suppress(PrefixMismatch):
            async with aclosing(beyond(dialect.generate(longer, rest), rest)) as events:
                async for event in events:
                    yield event
            return
    async with aclosing(dialect.generate(request, "")) as events:
        async for event in events:
            yield event


def _check(request: GenerateRequest) -> None:
    _check_own(request.prompt)
    if request.prompt_logprobs:
        raise InvalidRequest(
            "the model is on another server, which tells no log probabilities of a prompt",
            "Leave out echo, or load the model here: engine.kind.",
        )


def _check_own(tokens: list[int]) -> None:
    if not all(map(is_pseudo_token, tokens)):
        raise InvalidRequest(
            "the prompt holds token ids of a vocabulary, and the model is on another server",
            "Send the prompt as text.",
        )


def _unit(vector: list[float]) -> list[float]:
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector] if length else vector


def _warn_of_family(info: ModelInfo) -> None:
    if not info.fim.usable:
        log.warning(
            "nothing is known of how %s fills in the middle: completions see only what stands "
            "before the cursor. Set upstream.family if its family can",
            info.name,
        )
