import asyncio
import logging
import signal
import time

import pytest

from copilotd.event_loop import STALL_S, StallWatch


def hold_the_loop(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_work_that_holds_the_loop_is_logged_with_its_stack(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = StallWatch()

    async def main() -> None:
        await asyncio.sleep(0)
        hold_the_loop(3 * STALL_S)
        await asyncio.sleep(0)

    caplog.set_level(logging.WARNING)
    watch.run(main())
    assert watch.worst is not None
    assert watch.worst.seconds >= 3 * STALL_S
    assert "hold_the_loop(3 * STALL_S)" in watch.worst.stack
    assert "the event loop was held for" in caplog.text


def test_waiting_is_no_stall() -> None:
    watch = StallWatch()

    async def main() -> None:
        await asyncio.sleep(2 * STALL_S)

    watch.run(main())
    assert watch.worst is None


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_worst_stall_of_the_last_hour_counts() -> None:
    clock = Clock()
    watch = StallWatch(clock)
    worst = []
    for seconds, pause in [(2.0, 1800.0), (1.0, 1790.0), (0.01, 1000.0), (0.0, 2000.0)]:
        watch.begin_turn()
        clock.now += seconds
        watch.end_turn()
        clock.now += pause
        worst.append(watch.worst and watch.worst.seconds)
    assert worst == [2.0, 2.0, 1.0, None]


def test_the_alarm_is_given_back_at_the_end() -> None:
    before = signal.getsignal(signal.SIGALRM)

    async def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        StallWatch().run(fail())
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
