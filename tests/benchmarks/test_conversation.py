"""The speed of a benchmark's chat."""

import pytest

from benchmarks.workloads.conversation import ChatAnswer, compute_tokens_per_second


def test_the_time_to_the_first_token_does_not_count() -> None:
    answers = [
        ChatAnswer(0, first=5, last=7, tokens=21),
        ChatAnswer(7, first=20, last=21, tokens=11),
    ]
    assert compute_tokens_per_second(answers) == pytest.approx(10)


@pytest.mark.parametrize(
    "answers", [[], [ChatAnswer(0)], [ChatAnswer(0, first=1, last=1, tokens=1)]]
)
def test_an_answer_without_a_second_token_has_no_speed(answers: list[ChatAnswer]) -> None:
    assert compute_tokens_per_second(answers) is None
