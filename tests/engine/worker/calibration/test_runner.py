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
QUIET_S = 5.0


class CalibrationLoop:
    """A calibrator on a bench where all work takes 10 ms; time passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.others = 0.0
        self.looks = 0
        self.ms = 10.0
        self.done: list[TrialBatch] = []
        self.closed = 0
        self.events: list[Event] = []
        self.interrupt = Interrupt()
        self.arrives: Lane | None = None
        self.calibrator = CalibrationRunner(
            self, self.interrupt, self.events.append, lambda: self.now, self._look
        )

    def plan_calibration(self, asked: Setup) -> CalibrationPlan:
        return CalibrationPlan(DEFAULT, [], [])

    def open_bench(self) -> "CalibrationLoop":
        return self

    def measure(self, work: TrialBatch) -> float | None:
        if self.arrives is not None:
            self.interrupt.notify_arrival(self.arrives)
        if self.interrupt.flag[0] != b"\0":
            return None
        self.done.append(work)
        return self.ms

    def close(self) -> None:
        self.closed += 1

    def ask(self, id: int, quiet_s: float = 0.0, *, patient: bool = False) -> None:
        self.calibrator.add(Calibrate(id, Setup(), quiet_s, patient))

    def run(self, steps: int = 1000) -> None:
        """Take so many steps, fewer if nothing is left to do."""
        for _ in range(steps):
            if self.calibrator.idle_wait_s is None:
                return
            self.calibrator.step()

    def _look(self) -> float:
        self.looks += 1
        return self.others


def test_a_calibration_tells_how_far_it_is_and_ends_with_its_result() -> None:
    loop = CalibrationLoop()
    assert loop.calibrator.idle_wait_s is None

    loop.ask(7)
    loop.run()

    *steps, last = loop.events
    assert {type(step) for step in steps} == {CalibrationReport}
    assert isinstance(last, Result) and last.id == 7
    calibration = msgspec.msgpack.decode(last.value, type=Calibration)
    assert (calibration.chosen, calibration.speed.decode) == (DEFAULT, {100: 10, 1000: 10})
    assert (loop.calibrator.idle_wait_s, loop.closed) == (None, 1)


def test_it_waits_until_nothing_was_asked_for_a_while() -> None:
    loop = CalibrationLoop()
    loop.ask(1, QUIET_S)
    loop.now += 3
    loop.calibrator.note_other_work()
    loop.now += 4

    loop.calibrator.step()
    assert (loop.done, loop.calibrator.idle_wait_s) == ([], 1.0)

    loop.now += 1
    loop.calibrator.step()
    assert len(loop.done) == 1


@pytest.mark.parametrize("lane", list(Lane))
def test_it_yields_to_whatever_arrives_and_does_the_work_again(lane: Lane) -> None:
    loop = CalibrationLoop()
    loop.ask(1)
    loop.run(2)
    before = list(loop.done)

    loop.arrives = lane
    loop.calibrator.step()
    assert loop.done == before

    loop.arrives = None
    loop.interrupt.clear_arrivals()
    loop.run()
    assert isinstance(loop.events[-1], Result)
    undisturbed = CalibrationLoop()
    undisturbed.ask(1)
    undisturbed.run()
    assert loop.done == undisturbed.done


def test_one_that_nobody_waits_for_leaves_out_the_time_in_which_others_are_busy() -> None:
    loop = CalibrationLoop()
    loop.ask(1, QUIET_S, patient=True)
    loop.now += QUIET_S
    loop.others = 0.9

    loop.calibrator.step()
    assert (loop.done, loop.calibrator.idle_wait_s) == ([], QUIET_S)
    told = loop.events[-1]
    assert isinstance(told, CalibrationReport)
    assert told.progress.text == "waiting until other programs leave the processor alone"

    loop.now += QUIET_S
    loop.others = 0.1
    loop.run()
    result = loop.events[-1]
    assert isinstance(result, Result)
    assert msgspec.msgpack.decode(result.value, type=Calibration).disturbance == 0.1


def test_one_that_somebody_waits_for_goes_on_and_says_how_busy_others_were() -> None:
    loop = CalibrationLoop()
    loop.ask(1)
    loop.now += MEASURE_EVERY_S
    loop.others = 0.9

    loop.run()

    result = loop.events[-1]
    assert isinstance(result, Result)
    assert msgspec.msgpack.decode(result.value, type=Calibration).disturbance == 0.9


def test_others_are_looked_at_no_more_often_than_their_share_is_known() -> None:
    loop = CalibrationLoop()
    loop.ask(1)

    loop.run(5)
    assert loop.looks == 1

    loop.now += MEASURE_EVERY_S
    loop.run(5)
    assert loop.looks == 2


def test_one_that_somebody_waits_for_goes_before_one_that_nobody_does() -> None:
    loop = CalibrationLoop()
    loop.ask(1, QUIET_S, patient=True)
    loop.ask(2)

    loop.run()

    assert {event.id for event in loop.events} == {2}


def test_a_cancelled_calibration_is_dropped_with_its_contexts() -> None:
    loop = CalibrationLoop()
    loop.ask(1)
    loop.run(3)

    loop.calibrator.cancel(1)

    assert (loop.calibrator.idle_wait_s, loop.closed) == (None, 1)
    assert not any(isinstance(event, Result) for event in loop.events)


def test_a_model_that_cannot_be_measured_is_a_failure() -> None:
    loop = CalibrationLoop()
    loop.ms = math.inf
    loop.ask(1)

    loop.run()

    failure = Failed(1, "EngineError", "this model cannot be measured", "copilotd logs.")
    assert loop.events == [failure]
    assert (loop.calibrator.idle_wait_s, loop.closed) == (None, 1)
