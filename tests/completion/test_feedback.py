"""Each suggestion is counted once, and the acceptance rate follows what users accept."""

import pytest

from copilotd.completion.feedback import Feedback


def test_the_acceptance_falls_for_a_user_who_accepts_nothing() -> None:
    feedback = Feedback()
    for number in range(30):
        feedback.offer(str(number))
    assert feedback.acceptance < 0.1


def test_the_acceptance_rises_for_a_user_who_accepts_everything() -> None:
    feedback = Feedback()
    for number in range(60):
        feedback.offer(str(number))
        feedback.accept(str(number))
    assert feedback.acceptance > 0.9


def test_a_suggestion_shown_again_while_the_user_types_it_counts_once() -> None:
    feedback = Feedback()
    for _ in range(50):
        feedback.offer("same")
    assert feedback.acceptance == pytest.approx(0.3 * 0.95)


def test_a_settled_suggestion_is_not_settled_again() -> None:
    feedback = Feedback()
    feedback.offer("one")
    feedback.reject("one")
    feedback.accept("one")
    assert feedback.counts == {"rejected": 1}


def test_a_partial_acceptance_records_the_accepted_length() -> None:
    feedback = Feedback()
    feedback.offer("one")
    feedback.accept("one", 3)
    feedback.accept("one", 7)
    assert feedback.accepted_lengths == {"one": 7}
    assert feedback.counts == {"accepted": 1}


def test_accepting_the_rest_counts_as_accepting_the_whole_suggestion() -> None:
    feedback = Feedback()
    feedback.offer("one")
    feedback.accept("one", 3)
    feedback.accept("one")
    assert feedback.accepted_lengths == {"one": None}
