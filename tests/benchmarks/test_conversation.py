"""How fast a benchmark's chat was answered."""

import pytest

from benchmarks.workloads.conversation import Talk, tokens_per_second


def test_the_time_to_the_first_token_does_not_count() -> None:
    talks = [Talk(0, first=5, last=7, tokens=21), Talk(7, first=20, last=21, tokens=11)]
    assert tokens_per_second(talks) == pytest.approx(10)


@pytest.mark.parametrize("talks", [[], [Talk(0)], [Talk(0, first=1, last=1, tokens=1)]])
def test_without_a_second_token_there_is_no_speed(talks: list[Talk]) -> None:
    assert tokens_per_second(talks) is None
