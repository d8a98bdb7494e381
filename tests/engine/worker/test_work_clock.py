from copilotd.engine.protocol import Pulse
from copilotd.engine.worker.work_clock import WorkClock


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_waiting_for_a_command_takes_no_time() -> None:
    clock = Clock()
    work = WorkClock(clock)
    work.begin()
    clock.now += 3
    assert work.read() == Pulse(3.0, 10.0)
    work.rest()
    clock.now += 1000
    assert work.read().age_s == 0.0


def test_the_limit_of_a_batch_follows_the_slowest_measured_token() -> None:
    clock = Clock()
    work = WorkClock(clock)
    with work.evaluate(10):
        clock.now += 2
        assert work.read() == Pulse(2.0, 10.0 + 10 * 1.0)
    with work.evaluate(100):
        assert work.read() == Pulse(0.0, 10.0 + 100 * 20 * 0.2)
        clock.now += 1
    with work.evaluate(1):
        assert work.read().limit_s == 10.0 + 20 * 0.2
    assert work.read() == Pulse(0.0, 10.0)
