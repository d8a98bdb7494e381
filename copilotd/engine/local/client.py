"""The daemon's handle on the model: generate, embed, tokenise, in a worker that is kept alive.

The model lives in a child because llama.cpp may abort its process, because an ended process gives
back all its memory, and because a token loop must not share an event loop with keystrokes.
"""

import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TypeVar

import msgspec
import psutil

from copilotd.config import EngineSection
from copilotd.engine.local.process import WorkerProcess
from copilotd.engine.local.supervisor import Connect, Provision, WorkerSupervisor
from copilotd.engine.performance import Calibration, CalibrationProgress, Setup
from copilotd.engine.protocol import (
    CachedPrefixLength,
    Calibrate,
    CalibrationReport,
    Cancel,
    Command,
    Detokenize,
    Embed,
    Event,
    Finish,
    Generate,
    Output,
    Result,
    TokenBytes,
    Tokenize,
)
from copilotd.engine.types import (
    Chunk,
    EngineState,
    EngineStats,
    Finished,
    GenerateRequest,
    ModelInfo,
)
from copilotd.engine.usage import UsageMeter, UsageTotals
from copilotd.errors import EngineBusy, EngineDied

T = TypeVar("T")


class EngineClient:
    """Satisfies `copilotd.engine.interface.Engine` with a worker process.

    `provision(report)` makes sure that the model file is there, and says what to load; `connect`
    starts a worker.
    """

    def __init__(
        self, provision: Provision, settings: EngineSection, connect: Connect = WorkerProcess.start
    ) -> None:
        self._settings = settings
        self._keeper = WorkerSupervisor(provision, settings, connect)
        self._ids = itertools.count(1)
        self._meters: dict[int, UsageMeter] = {}
        self._totals = UsageTotals()

    @property
    def state(self) -> EngineState:
        """Where the engine stands now."""
        return self._keeper.state

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function ends that."""
        return self._keeper.subscribe(listener)

    async def info(self) -> ModelInfo:
        """What is loaded; waits for the load."""
        async with self._keeper.use() as worker:
            return worker.info

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of `text`, without BOS."""
        return await self._call(Tokenize(next(self._ids), text, special), list[int])

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`, control tokens shown as their names."""
        return await self._call(Detokenize(next(self._ids), tokens), str)

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`; control tokens by their names."""
        return await self._call(TokenBytes(next(self._ids), tokens), list[bytes])

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """How many tokens at the beginning of `prompt` are in the KV cache, its files included."""
        return await self._call(CachedPrefixLength(next(self._ids), prompt), int)

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """One unit vector per list of token ids; cancelling the caller frees the engine."""
        return await self._call(Embed(next(self._ids), inputs), list[list[float]])

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output, then `Finished`. Closing the generator cancels the work."""
        async with self._keeper.use() as worker:
            id, meter = self._admit()
            try:
                async with aclosing(_events(worker.process, Generate(id, request))) as events:
                    async for event in events:
                        meter.see(event)
                        yield event
                self._keeper.succeeded()
            finally:
                del self._meters[id]
                self._totals.add(meter.usage())

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """Stream how far it is, then the result; closing the generator ends it."""
        async with AsyncExitStack() as stack:
            worker = await stack.enter_async_context(self._keeper.use())
            if wait_for_idle_cpu:
                # Nobody waits for the result: no reason to keep a model that is not used.
                await stack.aclose()
            command = Calibrate(next(self._ids), requested, idle_s, wait_for_idle_cpu)
            async with aclosing(_measured(worker.process, command)) as steps:
                async for step in steps:
                    yield step

    def stats(self) -> EngineStats:
        """Counts since the start."""
        running = sum(meter.first_at is not None for meter in self._meters.values())
        return EngineStats(
            requests=self._totals.counts["requests"],
            running=running,
            waiting=len(self._meters) - running,
            restarts=self._keeper.restarts,
            prompt_tokens=self._totals.counts["prompt_tokens"],
            cached_tokens=self._totals.counts["cached_tokens"],
            completion_tokens=self._totals.counts["completion_tokens"],
            prefill_ms=self._totals.prefill_ms,
            decode_ms=self._totals.decode_ms,
            rss=_rss(self._keeper.pid),
            pid=self._keeper.pid,
        )

    async def close(self) -> None:
        """End the worker; every pending request fails with EngineDied."""
        await self._keeper.close()

    def _admit(self) -> tuple[int, UsageMeter]:
        if len(self._meters) >= self._settings.queue_limit:
            raise EngineBusy(
                f"{len(self._meters)} requests are waiting already",
                "Try again in a moment; engine.queue_limit sets the limit.",
            )
        id, meter = next(self._ids), UsageMeter()
        self._meters[id] = meter
        self._totals.counts["requests"] += 1
        return id, meter

    async def _call(self, command: Command, answer: type[T]) -> T:
        async with self._keeper.use() as worker:
            return await _cancellable(worker.process, command, answer)


async def _events(
    connection: WorkerProcess, command: Generate
) -> AsyncGenerator[Chunk | Finished, None]:
    async with aclosing(_stream(connection, command)) as events:
        async for event in events:
            if isinstance(event, Output):
                yield event.chunk
            elif isinstance(event, Finish):
                yield event.finished


async def _measured(
    connection: WorkerProcess, command: Calibrate
) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
    async with aclosing(_stream(connection, command)) as events:
        async for event in events:
            if isinstance(event, CalibrationReport):
                yield event.progress
            elif isinstance(event, Result):
                yield msgspec.msgpack.decode(event.value, type=Calibration)


async def _stream(
    connection: WorkerProcess, command: Generate | Calibrate
) -> AsyncGenerator[Event, None]:
    """The command's events; it is cancelled unless the last of them came."""
    finished = False
    try:
        async with aclosing(connection.stream(command)) as events:
            async for event in events:
                finished = isinstance(event, Finish | Result)
                yield event
    finally:
        if not finished:
            _cancel(connection, command)


async def _cancellable(connection: WorkerProcess, command: Command, answer: type[T]) -> T:
    answered = False
    try:
        value = await connection.call(command, answer)
        answered = True
        return value
    finally:
        if not answered:
            _cancel(connection, command)


def _cancel(connection: WorkerProcess, command: Command) -> None:
    # A worker that died has nothing left to cancel.
    with suppress(EngineDied):
        connection.send(Cancel(command.id))


def _rss(pid: int | None) -> int:
    if pid is None:
        return 0
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
