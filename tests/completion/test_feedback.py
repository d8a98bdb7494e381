"""What became of suggestions is counted once, and their acceptance is followed."""

import pytest

from copilotd.completion.feedback import Feedback


def test_who_accepts_nothing_is_soon_known_for_it() -> None:
    feedback = Feedback()
    for number in range(30):
        feedback.offer(str(number))
    assert feedback.acceptance < 0.1


def test_who_accepts_everything_too() -> None:
    feedback = Feedback()
    for number in range(60):
        feedback.offer(str(number))
        feedback.accept(str(number))
    assert feedback.acceptance > 0.9


def test_a_suggestion_shown_again_as_it_is_typed_counts_once() -> None:
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


def test_a_partial_acceptance_keeps_how_much_was_accepted() -> None:
    feedback = Feedback()
    feedback.offer("one")
    feedback.accept("one", 3)
    feedback.accept("one", 7)
    assert feedback.accepted_lengths == {"one": 7}
    assert feedback.counts == {"accepted": 1}


def test_accepting_the_rest_accepts_the_whole() -> None:
    feedback = Feedback()
    feedback.offer("one")
    feedback.accept("one", 3)
    feedback.accept("one")
    assert feedback.accepted_lengths == {"one": None}
