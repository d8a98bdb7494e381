"""When the worker calibrates, and when it does not."""

import math

import msgspec
import pytest

from copilotd.engine.performance import Calibration, Setup
from copilotd.engine.protocol import Calibrate, Event, Failed, Measured, Result
from copilotd.engine.types import Lane
from copilotd.engine.worker.calibration.plan import Course, Work
from copilotd.engine.worker.calibration.runner import LOOK_EVERY_S, Calibrator
from copilotd.engine.worker.interrupt import Interrupt

DEFAULT = Setup("off", 1, 1, 128)
QUIET_S = 5.0


class Scene:
    """A calibrator on a bench where all work takes 10 ms; time passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.others = 0.0
        self.looks = 0
        self.ms = 10.0
        self.done: list[Work] = []
        self.closed = 0
        self.events: list[Event] = []
        self.interrupt = Interrupt()
        self.arrives: Lane | None = None
        self.calibrator = Calibrator(
            self, self.interrupt, self.events.append, lambda: self.now, self._look
        )

    def course(self, asked: Setup) -> Course:
        return Course(DEFAULT, [], [])

    def bench(self) -> "Scene":
        return self

    def measure(self, work: Work) -> float | None:
        if self.arrives is not None:
            self.interrupt.arrived(self.arrives)
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
            if self.calibrator.rest_s is None:
                return
            self.calibrator.step()

    def _look(self) -> float:
        self.looks += 1
        return self.others


def test_a_calibration_tells_how_far_it_is_and_ends_with_its_result() -> None:
    scene = Scene()
    assert scene.calibrator.rest_s is None

    scene.ask(7)
    scene.run()

    *steps, last = scene.events
    assert {type(step) for step in steps} == {Measured}
    assert isinstance(last, Result) and last.id == 7
    calibration = msgspec.msgpack.decode(last.value, type=Calibration)
    assert (calibration.chosen, calibration.speed.decode) == (DEFAULT, {100: 10, 1000: 10})
    assert (scene.calibrator.rest_s, scene.closed) == (None, 1)


def test_it_waits_until_nothing_was_asked_for_a_while() -> None:
    scene = Scene()
    scene.ask(1, QUIET_S)
    scene.now += 3
    scene.calibrator.disturbed()
    scene.now += 4

    scene.calibrator.step()
    assert (scene.done, scene.calibrator.rest_s) == ([], 1.0)

    scene.now += 1
    scene.calibrator.step()
    assert len(scene.done) == 1


@pytest.mark.parametrize("lane", list(Lane))
def test_it_yields_to_whatever_arrives_and_does_the_work_again(lane: Lane) -> None:
    scene = Scene()
    scene.ask(1)
    scene.run(2)
    before = list(scene.done)

    scene.arrives = lane
    scene.calibrator.step()
    assert scene.done == before

    scene.arrives = None
    scene.interrupt.taken()
    scene.run()
    assert isinstance(scene.events[-1], Result)
    undisturbed = Scene()
    undisturbed.ask(1)
    undisturbed.run()
    assert scene.done == undisturbed.done


def test_one_that_nobody_waits_for_leaves_out_the_time_in_which_others_are_busy() -> None:
    scene = Scene()
    scene.ask(1, QUIET_S, patient=True)
    scene.now += QUIET_S
    scene.others = 0.9

    scene.calibrator.step()
    assert (scene.done, scene.calibrator.rest_s) == ([], QUIET_S)
    told = scene.events[-1]
    assert isinstance(told, Measured)
    assert told.progress.text == "waiting until other programs leave the processor alone"

    scene.now += QUIET_S
    scene.others = 0.1
    scene.run()
    result = scene.events[-1]
    assert isinstance(result, Result)
    assert msgspec.msgpack.decode(result.value, type=Calibration).disturbance == 0.1


def test_one_that_somebody_waits_for_goes_on_and_says_how_busy_others_were() -> None:
    scene = Scene()
    scene.ask(1)
    scene.now += LOOK_EVERY_S
    scene.others = 0.9

    scene.run()

    result = scene.events[-1]
    assert isinstance(result, Result)
    assert msgspec.msgpack.decode(result.value, type=Calibration).disturbance == 0.9


def test_others_are_looked_at_no_more_often_than_their_share_is_known() -> None:
    scene = Scene()
    scene.ask(1)

    scene.run(5)
    assert scene.looks == 1

    scene.now += LOOK_EVERY_S
    scene.run(5)
    assert scene.looks == 2


def test_one_that_somebody_waits_for_goes_before_one_that_nobody_does() -> None:
    scene = Scene()
    scene.ask(1, QUIET_S, patient=True)
    scene.ask(2)

    scene.run()

    assert {event.id for event in scene.events} == {2}


def test_a_cancelled_calibration_is_dropped_with_its_contexts() -> None:
    scene = Scene()
    scene.ask(1)
    scene.run(3)

    scene.calibrator.cancel(1)

    assert (scene.calibrator.rest_s, scene.closed) == (None, 1)
    assert not any(isinstance(event, Result) for event in scene.events)


def test_a_model_that_cannot_be_measured_is_a_failure() -> None:
    scene = Scene()
    scene.ms = math.inf
    scene.ask(1)

    scene.run()

    failure = Failed(1, "EngineError", "this model cannot be measured", "copilotd logs.")
    assert scene.events == [failure]
    assert (scene.calibrator.rest_s, scene.closed) == (None, 1)
