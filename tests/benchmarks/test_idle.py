"""When the benchmarks count a process as idle."""

from collections.abc import Iterable

import pytest

from benchmarks.servers.idle import IdleDetector

MS = 0.001


def find_idle_start(samples: Iterable[tuple[int, int]]) -> float | None:
    """The start in milliseconds, for samples of (time, CPU time) in milliseconds."""
    detector = IdleDetector()
    found = (detector.add_sample(at * MS, used * MS) for at, used in samples)
    began = next((each for each in found if each is not None), None)
    return None if began is None else round(began / MS)


def test_a_process_that_computes_is_not_idle() -> None:
    assert find_idle_start((at, at) for at in range(0, 300, 3)) is None


def test_a_process_is_idle_after_its_last_work() -> None:
    # The system counts CPU time in steps of ten milliseconds.
    assert find_idle_start((at, min(at, 120) // 10 * 10) for at in range(0, 300, 3)) == 120


def test_a_pause_shorter_than_the_window_is_not_the_end() -> None:
    pause = [(0, 0), (10, 10), (20, 10), (30, 10), (39, 10), (42, 20)]
    assert find_idle_start([*pause, (50, 20), (60, 20), (72, 20)]) == 42


def test_a_little_work_counts_as_idle() -> None:
    assert find_idle_start((at, at // 20) for at in range(0, 60, 5)) == 0


def test_samples_far_apart_are_judged_by_their_whole_span() -> None:
    assert find_idle_start([(0, 0), (200, 30)]) is None
    assert find_idle_start([(0, 0), (200, 10)]) == pytest.approx(0)
