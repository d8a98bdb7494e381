"""When the worker calibrates, and when it does not."""

import math

import msgspec
import pytest

from copilotd.engine.performance import Calibration, Setup
from copilotd.engine.protocol import Calibrate, CalibrationReport, Event, Failed, Result
from copilotd.engine.types import Lane
from copilotd.engine.worker.calibration.plan import CalibrationPlan, TrialBatch
from copilotd.engine.worker.calibration.runner import MEASURE_EVERY_S, CalibrationRunner
from copilotd.engine.worker.interrupt import Interrupt

DEFAULT = Setup("off", 1, 1, 128)
IDLE_S = 5.0


class CalibrationLoop:
    """A runner with a model on which each batch takes `ms`; time passes only if a test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.load = 0.0
        self.load_reads = 0
        self.ms = 10.0
        self.measured: list[TrialBatch] = []
        self.closed = 0
        self.events: list[Event] = []
        self.interrupt = Interrupt()
        self.arriving: Lane | None = None
        self.runner = CalibrationRunner(
            self, self.interrupt, self.events.append, lambda: self.now, self._read_load
        )

    def plan_calibration(self, requested: Setup) -> CalibrationPlan:
        return CalibrationPlan(DEFAULT, [], [])

    def open_bench(self) -> "CalibrationLoop":
        return self

    def measure(self, batch: TrialBatch) -> float | None:
        if self.arriving is not None:
            self.interrupt.notify_arrival(self.arriving)
        if self.interrupt.flag[0] != b"\0":
            return None
        self.measured.append(batch)
        return self.ms

    def close(self) -> None:
        self.closed += 1

    def add(self, id: int, idle_s: float = 0.0, *, wait_for_idle_cpu: bool = False) -> None:
        self.runner.add(Calibrate(id, Setup(), idle_s, wait_for_idle_cpu))

    def run(self, steps: int = 1000) -> None:
        """Take at most `steps` steps; stops when nothing is left to do."""
        for _ in range(steps):
            if self.runner.idle_wait_s is None:
                return
            self.runner.step()

    def _read_load(self) -> float:
        self.load_reads += 1
        return self.load


def test_a_calibration_reports_progress_and_ends_with_its_result() -> None:
    loop = CalibrationLoop()
    assert loop.runner.idle_wait_s is None

    loop.add(7)
    loop.run()

    *steps, last = loop.events
    assert {type(step) for step in steps} == {CalibrationReport}
    assert isinstance(last, Result) and last.id == 7
    calibration = msgspec.msgpack.decode(last.value, type=Calibration)
    assert (calibration.chosen, calibration.speed.decode) == (DEFAULT, {100: 10, 1000: 10})
    assert (loop.runner.idle_wait_s, loop.closed) == (None, 1)


def test_it_waits_until_the_worker_is_idle_for_a_while() -> None:
    loop = CalibrationLoop()
    loop.add(1, IDLE_S)
    loop.now += 3
    loop.runner.note_other_work()
    loop.now += 4

    loop.runner.step()
    assert (loop.measured, loop.runner.idle_wait_s) == ([], 1.0)

    loop.now += 1
    loop.runner.step()
    assert len(loop.measured) == 1


@pytest.mark.parametrize("lane", list(Lane))
def test_it_yields_to_a_new_request_and_measures_the_batch_again(lane: Lane) -> None:
    loop = CalibrationLoop()
    loop.add(1)
    loop.run(2)
    before = list(loop.measured)

    loop.arriving = lane
    loop.runner.step()
    assert loop.measured == before

    loop.arriving = None
    loop.interrupt.clear_arrivals()
    loop.run()
    assert isinstance(loop.events[-1], Result)
    undisturbed = CalibrationLoop()
    undisturbed.add(1)
    undisturbed.run()
    assert loop.measured == undisturbed.measured


def test_a_calibration_that_nobody_waits_for_pauses_while_other_programs_are_busy() -> None:
    loop = CalibrationLoop()
    loop.add(1, IDLE_S, wait_for_idle_cpu=True)
    loop.now += IDLE_S
    loop.load = 0.9

    loop.runner.step()
    assert (loop.measured, loop.runner.idle_wait_s) == ([], IDLE_S)
    report = loop.events[-1]
    assert isinstance(report, CalibrationReport)
    assert report.progress.text == "waiting until other programs leave the processor idle"

    loop.now += IDLE_S
    loop.load = 0.1
    loop.run()
    result = loop.events[-1]
    assert isinstance(result, Result)
    assert msgspec.msgpack.decode(result.value, type=Calibration).disturbance == 0.1


def test_a_calibration_that_somebody_waits_for_goes_on_and_reports_the_load() -> None:
    loop = CalibrationLoop()
    loop.add(1)
    loop.now += MEASURE_EVERY_S
    loop.load = 0.9

    loop.run()

    result = loop.events[-1]
    assert isinstance(result, Result)
    assert msgspec.msgpack.decode(result.value, type=Calibration).disturbance == 0.9


def test_the_load_is_not_read_more_often_than_it_can_be_measured() -> None:
    loop = CalibrationLoop()
    loop.add(1)

    loop.run(5)
    assert loop.load_reads == 1

    loop.now += MEASURE_EVERY_S
    loop.run(5)
    assert loop.load_reads == 2


def test_a_calibration_that_somebody_waits_for_goes_first() -> None:
    loop = CalibrationLoop()
    loop.add(1, IDLE_S, wait_for_idle_cpu=True)
    loop.add(2)

    loop.run()

    assert {event.id for event in loop.events} == {2}


def test_a_cancelled_calibration_frees_its_contexts() -> None:
    loop = CalibrationLoop()
    loop.add(1)
    loop.run(3)

    loop.runner.cancel(1)

    assert (loop.runner.idle_wait_s, loop.closed) == (None, 1)
    assert not any(isinstance(event, Result) for event in loop.events)


def test_a_model_that_cannot_be_measured_fails_the_command() -> None:
    loop = CalibrationLoop()
    loop.ms = math.inf
    loop.add(1)

    loop.run()

    failure = Failed(1, "EngineError", "this model cannot be measured", "copilotd logs.")
    assert loop.events == [failure]
    assert (loop.runner.idle_wait_s, loop.closed) == (None, 1)
