"""When a worker is started, restarted and ended; the workers here are fake."""

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
from copilotd.engine.local.supervisor import StateListener
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

REQUEST = GenerateRequest([1], 4)
PROGRESS = CalibrationProgress("measuring", 0.5)


class FakeWorkerProcess:
    """A worker process that loads at once and writes "a", then "b" when `gate` is set.

    With `bad_amx` it dies when it is loaded with AMX.
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

    async def call(self, command: Command, kind: object) -> object:
        assert isinstance(command, Load)
        self.loads.append(command.spec)
        if command.spec.amx and self._bad_amx:
            raise IllegalInstruction("killed by signal 4")
        return FAKE_MODEL

    async def stream(self, command: Command) -> AsyncGenerator[Event, None]:
        if isinstance(command, Calibrate):
            yield CalibrationReport(command.id, PROGRESS)
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

    def start_watch(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True


class ClientUnderTest:
    """A client, the fake workers that it started, and the phases that it went through."""

    def __init__(self, **settings: Any) -> None:
        self.workers: list[FakeWorkerProcess] = []
        self.phases: list[Phase] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.bad_amx = False
        self.provide_spec: Callable[[StateListener], Any] = self._provide_spec
        self.client = EngineClient(
            lambda report: self.provide_spec(report), EngineSection(**settings), self._start_worker
        )
        self.client.subscribe(lambda state: self.phases.append(state.phase))

    async def generate_text(self) -> str:
        async with aclosing(self.client.generate(REQUEST)) as events:
            return "".join([e.text async for e in events if isinstance(e, Chunk)])

    async def wait_for(self, phase: Phase) -> None:
        reached = asyncio.Event()
        self.client.subscribe(lambda state: reached.set() if state.phase is phase else None)
        if self.client.state.phase is not phase:
            await asyncio.wait_for(reached.wait(), 30)

    async def _provide_spec(self, report: StateListener) -> WorkerSpec:
        if self.failure:
            raise self.failure
        return WorkerSpec("model.gguf", "model")

    async def _start_worker(self, on_death: Callable[[EngineDied], None]) -> WorkerProcess:
        worker = FakeWorkerProcess(on_death, self.gate, bad_amx=self.bad_amx)
        self.workers.append(worker)
        return cast(WorkerProcess, self.workers[-1])


async def test_the_first_request_starts_one_worker_for_all_requests() -> None:
    test = ClientUnderTest()
    assert [*await asyncio.gather(test.generate_text(), test.generate_text())] == ["ab", "ab"]
    assert len(test.workers) == 1
    assert test.phases == [Phase.LOADING, Phase.READY]


async def test_an_idle_worker_is_ended_and_the_next_request_starts_a_new_one() -> None:
    test = ClientUnderTest(idle_minutes=0.0001)
    await test.generate_text()
    await test.wait_for(Phase.STOPPED)
    assert test.workers[0].closed
    assert test.client.state.detail == "unloaded after 0.0001 idle minutes"
    assert await test.generate_text() == "ab"
    assert len(test.workers) == 2


async def test_a_worker_in_use_is_not_unloaded() -> None:
    test = ClientUnderTest(idle_minutes=0.0001)
    test.gate.clear()
    request = asyncio.create_task(test.generate_text())
    await test.wait_for(Phase.READY)
    await asyncio.wait({request}, timeout=0.05)
    test.gate.set()
    assert await request == "ab"
    assert not test.workers[0].closed


async def test_a_worker_that_died_is_replaced_by_the_next_request() -> None:
    test = ClientUnderTest()
    await test.generate_text()
    test.workers[0].on_death(EngineDied("killed by signal 9"))
    assert test.client.state == EngineState(Phase.FAILED, "killed by signal 9")
    assert await test.generate_text() == "ab"
    assert (len(test.workers), test.client.stats().restarts) == (2, 1)


async def test_a_build_that_crashes_with_amx_is_run_without_amx_from_then_on() -> None:
    test = ClientUnderTest()
    test.bad_amx = True
    assert await test.generate_text() == "ab"
    test.workers[-1].on_death(EngineDied("it died"))
    assert await test.generate_text() == "ab"
    loads = [spec for worker in test.workers for spec in worker.loads]
    assert [spec.amx for spec in loads] == [True, False, False]


async def test_repeated_failures_to_start_delay_the_next_attempt() -> None:
    test = ClientUnderTest()
    test.failure = DownloadFailed("no network")
    attempts = 0

    async def count(report: StateListener) -> WorkerSpec:
        nonlocal attempts
        attempts += 1
        return await test._provide_spec(report)

    test.provide_spec = count
    for _ in range(6):
        with pytest.raises(DownloadFailed, match="no network"):
            await test.client.info()
    assert attempts == 2


async def test_a_request_during_the_download_fails_with_its_progress() -> None:
    test = ClientUnderTest()
    go_on = asyncio.Event()

    async def download(report: StateListener) -> WorkerSpec:
        report(EngineState(Phase.DOWNLOADING, "Downloading model", 0.42))
        await go_on.wait()
        return WorkerSpec("model.gguf", "model")

    test.provide_spec = download
    for _ in range(2):
        with pytest.raises(EngineNotReady, match="Downloading model"):
            await test.client.info()
    go_on.set()
    await test.wait_for(Phase.READY)
    assert await test.generate_text() == "ab"


async def test_a_full_queue_refuses_another_request() -> None:
    test = ClientUnderTest(queue_limit=2)
    test.gate.clear()
    waiting = [asyncio.create_task(test.generate_text()) for _ in range(2)]
    # Iterations of the event loop, not a pause: on a busy machine a pause has fewer of them.
    for _ in range(100):
        await asyncio.sleep(0)
    with pytest.raises(EngineBusy, match="2 requests are waiting already"):
        await test.generate_text()
    test.gate.set()
    assert await asyncio.gather(*waiting) == ["ab", "ab"]


async def test_closing_a_generation_cancels_it_in_the_worker() -> None:
    test = ClientUnderTest()
    async with aclosing(test.client.generate(REQUEST)) as events:
        await anext(events)
    assert [type(command) for command in test.workers[0].sent] == [Cancel]
    stats = test.client.stats()
    assert (stats.running, stats.prompt_tokens, stats.completion_tokens) == (0, 1, 1)


async def test_a_finished_generation_is_not_cancelled() -> None:
    test = ClientUnderTest()
    await test.generate_text()
    assert test.workers[0].sent == []


async def test_a_closed_client_starts_no_worker() -> None:
    test = ClientUnderTest()
    await test.generate_text()
    await test.client.close()
    assert test.workers[0].closed
    with pytest.raises(EngineDied, match="stopping"):
        await test.generate_text()


async def test_a_calibration_streams_its_progress_and_then_the_result() -> None:
    test = ClientUnderTest()

    steps = [step async for step in test.client.calibrate(Setup(), 1.0, wait_for_idle_cpu=False)]

    assert steps == [PROGRESS, FAKE_CALIBRATION]
    assert test.workers[0].sent == []


async def test_closing_a_calibration_cancels_it_in_the_worker() -> None:
    test = ClientUnderTest()
    test.gate.clear()

    async with aclosing(test.client.calibrate(Setup(), 1.0, wait_for_idle_cpu=False)) as steps:
        assert await anext(steps) == PROGRESS

    assert [type(command) for command in test.workers[0].sent] == [Cancel]


@pytest.mark.parametrize("wait_for_idle_cpu", [False, True])
async def test_only_a_calibration_that_somebody_waits_for_keeps_the_model_loaded(
    wait_for_idle_cpu: bool,
) -> None:
    test = ClientUnderTest(idle_minutes=0.0001)
    test.gate.clear()

    async with aclosing(
        test.client.calibrate(Setup(), 1.0, wait_for_idle_cpu=wait_for_idle_cpu)
    ) as steps:
        await anext(steps)
        unloaded = asyncio.create_task(test.wait_for(Phase.STOPPED))
        await asyncio.wait({unloaded}, timeout=30 if wait_for_idle_cpu else 0.05)
        assert unloaded.done() == wait_for_idle_cpu
        unloaded.cancel()
