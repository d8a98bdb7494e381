"""How many threads a single token is worth, found out on the job."""

import pytest

from copilotd.engine.worker.threads.decode_threads import RESAMPLE_AFTER, SAMPLES, DecodeThreads


def decode(thrift: DecodeThreads, tokens: int, ms: dict[int, float]) -> list[int]:
    """Decode with what `thrift` says; gives the numbers of threads that were used."""
    used = []
    for _ in range(tokens):
        threads = thrift.threads
        thrift.record(threads, ms[threads] / 1000)
        used.append(threads)
    return used


@pytest.mark.parametrize(
    ("ms", "threads"),
    [
        pytest.param({2: 17, 1: 21}, 1, id="the memory is the limit"),
        pytest.param({2: 25, 1: 48}, 2, id="the cores are"),
        pytest.param({8: 10, 6: 10, 4: 11}, 4, id="half of many are enough"),
        pytest.param({8: 10, 6: 12, 4: 18}, 6, id="three quarters are"),
        pytest.param({4: 30, 3: 12, 2: 13}, 2, id="fewer are even faster"),
    ],
)
def test_the_fewest_threads_are_taken_that_cost_little_time(
    ms: dict[int, float], threads: int
) -> None:
    thrift = DecodeThreads(max(ms))
    decode(thrift, SAMPLES * len(ms), ms)
    assert set(decode(thrift, 100, ms)) == {threads}


def test_numbers_take_turns_while_they_are_compared() -> None:
    assert decode(DecodeThreads(2), 6, {2: 1, 1: 1}) == [2, 1, 2, 1, 2, 1]


def test_one_thread_is_one_thread() -> None:
    assert set(decode(DecodeThreads(1), 50, {1: 20})) == {1}


def test_times_of_other_numbers_of_threads_do_not_count() -> None:
    thrift = DecodeThreads(4)
    for _ in range(100):
        thrift.record(1, 0.001)
    assert decode(thrift, 3, {4: 10, 3: 10, 2: 10}) == [4, 3, 2]


def test_it_is_found_out_anew_after_a_while() -> None:
    thrift = DecodeThreads(2)
    decode(thrift, RESAMPLE_AFTER - 1, {2: 17, 1: 21})
    decode(thrift, 2 * SAMPLES + 1, {2: 17, 1: 40})
    assert set(decode(thrift, 100, {2: 17, 1: 40})) == {2}
