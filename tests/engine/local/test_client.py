"""When a worker is started, started again and ended; workers are scripted here."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, cast

import msgspec
import pytest

from copilotd.config import EngineSection
from copilotd.engine.fake import FAKE_CALIBRATION, FAKE_MODEL
from copilotd.engine.local.client import EngineClient
from copilotd.engine.local.process import WorkerProcess
from copilotd.engine.local.supervisor import Report
from copilotd.engine.performance import CalibrationProgress, Setup
from copilotd.engine.protocol import (
    Calibrate,
    CalibrationReport,
    Cancel,
    Command,
    Event,
    Finish,
    Generate,
    Load,
    Output,
    Result,
    WorkerSpec,
)
from copilotd.engine.types import (
    Chunk,
    EngineState,
    Finished,
    FinishReason,
    GenerateRequest,
    Phase,
    Usage,
)
from copilotd.errors import (
    DownloadFailed,
    EngineBusy,
    EngineDied,
    EngineNotReady,
    IllegalInstruction,
)

ASK = GenerateRequest([1], 4)
HALF = CalibrationProgress("measuring", 0.5)


class ScriptedConnection:
    """A worker that loads at once and writes "ab", the "b" when `gate` is set.

    With `bad_amx` it does not survive to be loaded with AMX.
    """

    def __init__(
        self,
        on_death: Callable[[EngineDied], None],
        gate: asyncio.Event,
        *,
        bad_amx: bool = False,
    ) -> None:
        self.pid = None
        self.closed = False
        self.sent: list[Command] = []
        self.loads: list[WorkerSpec] = []
        self.on_death = on_death
        self._gate = gate
        self._bad_amx = bad_amx

    async def call(self, command: Command, answer: object) -> object:
        assert isinstance(command, Load)
        self.loads.append(command.spec)
        if command.spec.amx and self._bad_amx:
            raise IllegalInstruction("killed by signal 4")
        return FAKE_MODEL

    async def stream(self, command: Command) -> AsyncGenerator[Event, None]:
        if isinstance(command, Calibrate):
            yield CalibrationReport(command.id, HALF)
            await self._gate.wait()
            yield Result(command.id, msgspec.Raw(msgspec.msgpack.encode(FAKE_CALIBRATION)))
            return
        assert isinstance(command, Generate)
        yield Output(command.id, Chunk("a", usage=Usage(prompt_tokens=1)))
        await self._gate.wait()
        yield Output(command.id, Chunk("b"))
        yield Finish(command.id, Finished(FinishReason.STOP, Usage(1, 0, 2)))

    def send(self, command: Command) -> None:
        self.sent.append(command)

    async def close(self) -> None:
        self.closed = True


class Bench:
    """A client, the workers it started, and the phases it went through."""

    def __init__(self, **settings: Any) -> None:
        self.workers: list[ScriptedConnection] = []
        self.phases: list[Phase] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.bad_amx = False
        self.provision: Callable[[Report], Any] = self._provision
        self.client = EngineClient(
            lambda report: self.provision(report), EngineSection(**settings), self._connect
        )
        self.client.subscribe(lambda state: self.phases.append(state.phase))

    async def text(self) -> str:
        async with aclosing(self.client.generate(ASK)) as events:
            return "".join([e.text async for e in events if isinstance(e, Chunk)])

    async def until(self, phase: Phase) -> None:
        reached = asyncio.Event()
        self.client.subscribe(lambda state: reached.set() if state.phase is phase else None)
        if self.client.state.phase is not phase:
            await asyncio.wait_for(reached.wait(), 30)

    async def _provision(self, report: Report) -> WorkerSpec:
        if self.failure:
            raise self.failure
        return WorkerSpec("model.gguf", "model")

    async def _connect(self, on_death: Callable[[EngineDied], None]) -> WorkerProcess:
        worker = ScriptedConnection(on_death, self.gate, bad_amx=self.bad_amx)
        self.workers.append(worker)
        return cast(WorkerProcess, self.workers[-1])


async def test_the_first_request_starts_the_one_worker_that_all_use() -> None:
    bench = Bench()
    assert [*await asyncio.gather(bench.text(), bench.text())] == ["ab", "ab"]
    assert len(bench.workers) == 1
    assert bench.phases == [Phase.LOADING, Phase.READY]


async def test_an_idle_worker_is_ended_and_the_next_request_starts_another() -> None:
    bench = Bench(idle_minutes=0.0001)
    await bench.text()
    await bench.until(Phase.STOPPED)
    assert bench.workers[0].closed
    assert bench.client.state.detail == "unloaded after 0.0001 idle minutes"
    assert await bench.text() == "ab"
    assert len(bench.workers) == 2


async def test_a_worker_in_use_is_not_idle() -> None:
    bench = Bench(idle_minutes=0.0001)
    bench.gate.clear()
    request = asyncio.create_task(bench.text())
    await bench.until(Phase.READY)
    await asyncio.wait({request}, timeout=0.05)
    bench.gate.set()
    assert await request == "ab"
    assert not bench.workers[0].closed


async def test_a_worker_that_died_is_replaced_by_the_next_request() -> None:
    bench = Bench()
    await bench.text()
    bench.workers[0].on_death(EngineDied("killed by signal 9"))
    assert bench.client.state == EngineState(Phase.FAILED, "killed by signal 9")
    assert await bench.text() == "ab"
    assert (len(bench.workers), bench.client.stats().restarts) == (2, 1)


async def test_a_build_whose_amx_ends_the_process_is_run_without_it_from_then_on() -> None:
    bench = Bench()
    bench.bad_amx = True
    assert await bench.text() == "ab"
    bench.workers[-1].on_death(EngineDied("it died"))
    assert await bench.text() == "ab"
    loads = [spec for worker in bench.workers for spec in worker.loads]
    assert [spec.amx for spec in loads] == [True, False, False]


async def test_a_start_that_fails_again_and_again_is_not_tried_at_once() -> None:
    bench = Bench()
    bench.failure = DownloadFailed("no network")
    asked = 0

    async def count(report: Report) -> WorkerSpec:
        nonlocal asked
        asked += 1
        return await bench._provision(report)

    bench.provision = count
    for _ in range(6):
        with pytest.raises(DownloadFailed, match="no network"):
            await bench.client.info()
    assert asked == 2


async def test_a_request_during_the_download_is_told_how_far_it_is() -> None:
    bench = Bench()
    go_on = asyncio.Event()

    async def download(report: Report) -> WorkerSpec:
        report(EngineState(Phase.DOWNLOADING, "Downloading model", 0.42))
        await go_on.wait()
        return WorkerSpec("model.gguf", "model")

    bench.provision = download
    for _ in range(2):
        with pytest.raises(EngineNotReady, match="Downloading model"):
            await bench.client.info()
    go_on.set()
    await bench.until(Phase.READY)
    assert await bench.text() == "ab"


async def test_a_full_queue_refuses_one_more() -> None:
    bench = Bench(queue_limit=2)
    bench.gate.clear()
    waiting = [asyncio.create_task(bench.text()) for _ in range(2)]
    # Turns of the loop and not time: a busy machine takes fewer of them in a moment.
    for _ in range(100):
        await asyncio.sleep(0)
    with pytest.raises(EngineBusy, match="2 requests are waiting already"):
        await bench.text()
    bench.gate.set()
    assert await asyncio.gather(*waiting) == ["ab", "ab"]


async def test_closing_a_generation_cancels_it_in_the_worker() -> None:
    bench = Bench()
    async with aclosing(bench.client.generate(ASK)) as events:
        await anext(events)
    assert [type(command) for command in bench.workers[0].sent] == [Cancel]
    stats = bench.client.stats()
    assert (stats.running, stats.prompt_tokens, stats.completion_tokens) == (0, 1, 1)


async def test_a_finished_generation_is_not_cancelled() -> None:
    bench = Bench()
    await bench.text()
    assert bench.workers[0].sent == []


async def test_after_closing_nothing_is_started_again() -> None:
    bench = Bench()
    await bench.text()
    await bench.client.close()
    assert bench.workers[0].closed
    with pytest.raises(EngineDied, match="stopping"):
        await bench.text()


async def test_a_calibration_comes_with_its_progress() -> None:
    bench = Bench()

    steps = [step async for step in bench.client.calibrate(Setup(), 1.0, wait_for_idle_cpu=False)]

    assert steps == [HALF, FAKE_CALIBRATION]
    assert bench.workers[0].sent == []


async def test_a_calibration_that_nobody_wants_any_more_is_cancelled() -> None:
    bench = Bench()
    bench.gate.clear()

    async with aclosing(bench.client.calibrate(Setup(), 1.0, wait_for_idle_cpu=False)) as steps:
        assert await anext(steps) == HALF

    assert [type(command) for command in bench.workers[0].sent] == [Cancel]


@pytest.mark.parametrize("wait_for_idle_cpu", [False, True])
async def test_only_a_calibration_that_somebody_waits_for_keeps_a_model_loaded(
    wait_for_idle_cpu: bool,
) -> None:
    bench = Bench(idle_minutes=0.0001)
    bench.gate.clear()

    async with aclosing(
        bench.client.calibrate(Setup(), 1.0, wait_for_idle_cpu=wait_for_idle_cpu)
    ) as steps:
        await anext(steps)
        unloaded = asyncio.create_task(bench.until(Phase.STOPPED))
        await asyncio.wait({unloaded}, timeout=30 if wait_for_idle_cpu else 0.05)
        assert unloaded.done() == wait_for_idle_cpu
        unloaded.cancel()
