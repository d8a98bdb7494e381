"""How many threads decode a single token, found while decoding."""

import pytest

from copilotd.engine.worker.threads.decode_threads import RESAMPLE_AFTER, SAMPLES, DecodeThreads


def decode(chooser: DecodeThreads, tokens: int, ms: dict[int, float]) -> list[int]:
    """Decode as `chooser` says; returns the number of threads of each token."""
    used = []
    for _ in range(tokens):
        threads = chooser.threads
        chooser.record(threads, ms[threads] / 1000)
        used.append(threads)
    return used


@pytest.mark.parametrize(
    ("ms", "threads"),
    [
        pytest.param({2: 17, 1: 21}, 1, id="memory is the limit"),
        pytest.param({2: 25, 1: 48}, 2, id="cores are the limit"),
        pytest.param({8: 10, 6: 10, 4: 11}, 4, id="half of many threads are enough"),
        pytest.param({8: 10, 6: 12, 4: 18}, 6, id="three quarters are enough"),
        pytest.param({4: 30, 3: 12, 2: 13}, 2, id="fewer are even faster"),
    ],
)
def test_the_fewest_threads_with_little_slowdown_are_used(
    ms: dict[int, float], threads: int
) -> None:
    chooser = DecodeThreads(max(ms))
    decode(chooser, SAMPLES * len(ms), ms)
    assert set(decode(chooser, 100, ms)) == {threads}


def test_numbers_of_threads_take_turns_while_they_are_compared() -> None:
    assert decode(DecodeThreads(2), 6, {2: 1, 1: 1}) == [2, 1, 2, 1, 2, 1]


def test_with_one_thread_there_is_nothing_to_compare() -> None:
    assert set(decode(DecodeThreads(1), 50, {1: 20})) == {1}


def test_times_with_another_number_of_threads_are_ignored() -> None:
    chooser = DecodeThreads(4)
    for _ in range(100):
        chooser.record(1, 0.001)
    assert decode(chooser, 3, {4: 10, 3: 10, 2: 10}) == [4, 3, 2]


def test_the_numbers_are_compared_again_after_a_while() -> None:
    chooser = DecodeThreads(2)
    decode(chooser, RESAMPLE_AFTER - 1, {2: 17, 1: 21})
    decode(chooser, 2 * SAMPLES + 1, {2: 17, 1: 40})
    assert set(decode(chooser, 100, {2: 17, 1: 40})) == {2}
