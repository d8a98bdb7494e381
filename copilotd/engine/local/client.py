"""The local engine: generate, embed and tokenize in a worker process that is kept alive.

The model lives in a child process because llama.cpp may abort its process, because a process that
ends gives back all its memory, and because a token loop must not share an event loop with
keystrokes.
"""

import dataclasses
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TypeVar

import msgspec
import psutil

from copilotd.config import EngineSection
from copilotd.engine.local.process import WorkerProcess
from copilotd.engine.local.supervisor import SpecProvider, StartWorker, WorkerSupervisor
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
from copilotd.errors import EngineBusy, EngineDied, EngineError

T = TypeVar("T")


class EngineClient:
    """Implements `copilotd.engine.interface.Engine` with a worker process.

    `provide_spec(report)` makes sure that the model file is there and returns what to load;
    `start_worker` starts a worker process.
    """

    def __init__(
        self,
        provide_spec: SpecProvider,
        settings: EngineSection,
        start_worker: StartWorker = WorkerProcess.start,
    ) -> None:
        self._settings = settings
        self._supervisor = WorkerSupervisor(provide_spec, settings, start_worker)
        self._ids = itertools.count(1)
        self._meters: dict[int, UsageMeter] = {}
        self._totals = UsageTotals()

    @property
    def state(self) -> EngineState:
        """The state of the engine now."""
        return self._supervisor.state

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function unsubscribes it."""
        return self._supervisor.subscribe(listener)

    async def info(self) -> ModelInfo:
        """The loaded model; waits for the load."""
        async with self._supervisor.acquire() as worker:
            return worker.info

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """The token ids of `text`, without BOS."""
        return await self._call(Tokenize(next(self._ids), text, special), list[int])

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`; a control token gives its name."""
        return await self._call(Detokenize(next(self._ids), tokens), str)

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`; a control token gives its name."""
        return await self._call(TokenBytes(next(self._ids), tokens), list[bytes])

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """The number of leading tokens of `prompt` in the KV cache, saved states included."""
        return await self._call(CachedPrefixLength(next(self._ids), prompt), int)

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """One unit vector per list of token ids; cancelling the caller frees the engine."""
        return await self._call(Embed(next(self._ids), inputs), list[list[float]])

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output, then `Finished`. Closing the generator cancels the work."""
        async with self._supervisor.acquire() as worker:
            id, meter = self._admit()
            command = Generate(id, request)
            try:
                async with aclosing(_stream(worker.process, command, _decode_output)) as events:
                    async for event in events:
                        meter.record(event)
                        yield event
                self._supervisor.record_success()
            finally:
                del self._meters[id]
                self._totals.add(meter.usage())

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """Stream the progress, then the result; closing the generator ends the measurement."""
        async with AsyncExitStack() as stack:
            worker = await stack.enter_async_context(self._supervisor.acquire())
            if wait_for_idle_cpu:
                # Nobody waits for the result, so it must not keep an unused model loaded.
                await stack.aclose()
            command = Calibrate(next(self._ids), requested, idle_s, wait_for_idle_cpu)
            async with aclosing(_stream(worker.process, command, _decode_calibration)) as steps:
                async for step in steps:
                    yield step

    def stats(self) -> EngineStats:
        """Counts since the start."""
        running = sum(meter.first_chunk_at is not None for meter in self._meters.values())
        return dataclasses.replace(
            self._totals.stats(running, waiting=len(self._meters) - running),
            restarts=self._supervisor.restarts,
            rss=_resident_bytes(self._supervisor.pid),
            pid=self._supervisor.pid,
        )

    async def close(self) -> None:
        """End the worker; every pending request fails with EngineDied."""
        await self._supervisor.close()

    def _admit(self) -> tuple[int, UsageMeter]:
        """Return an id and a meter for one more generation. Raises: EngineBusy."""
        if len(self._meters) >= self._settings.queue_limit:
            raise EngineBusy(
                f"{len(self._meters)} requests are waiting already",
                "Try again in a moment; engine.queue_limit sets the limit.",
            )
        id, meter = next(self._ids), UsageMeter()
        self._meters[id] = meter
        self._totals.requests += 1
        return id, meter

    async def _call(self, command: Command, kind: type[T]) -> T:
        """Return the one result of `command`; cancel it if the caller is cancelled."""
        async with self._supervisor.acquire() as worker:
            is_answered = False
            try:
                value = await worker.process.call(command, kind)
                is_answered = True
                return value
            finally:
                if not is_answered:
                    _cancel(worker.process, command)


async def _stream(
    process: WorkerProcess, command: Generate | Calibrate, decode: Callable[[Event], T]
) -> AsyncGenerator[T, None]:
    """Yield the decoded events of `command`; cancel it unless its last event came."""
    is_finished = False
    try:
        async with aclosing(process.stream(command)) as events:
            async for event in events:
                is_finished = isinstance(event, Finish | Result)
                yield decode(event)
    finally:
        if not is_finished:
            _cancel(process, command)


def _decode_output(event: Event) -> Chunk | Finished:
    match event:
        case Output(chunk=chunk):
            return chunk
        case Finish(finished=finished):
            return finished
    raise EngineError(f"the worker answered a generation with {type(event).__name__}")


def _decode_calibration(event: Event) -> CalibrationProgress | Calibration:
    match event:
        case CalibrationReport(progress=progress):
            return progress
        case Result(value=value):
            return msgspec.msgpack.decode(value, type=Calibration)
    raise EngineError(f"the worker answered a calibration with {type(event).__name__}")


def _cancel(process: WorkerProcess, command: Command) -> None:
    # A dead worker has nothing left to cancel.
    with suppress(EngineDied):
        process.send(Cancel(command.id))


def _resident_bytes(pid: int | None) -> int:
    if pid is None:
        return 0
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
