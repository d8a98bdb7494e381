"""The gap between keystrokes is learned, and forgotten in a pause; what happened last is known."""

import pytest

from copilotd.completion.typing_speed import TypingSpeed


def test_steady_typing_is_expected_to_go_on() -> None:
    speed = TypingSpeed()
    assert speed.usual_gap("a", 10.0) is None
    assert speed.usual_gap("a", 10.2) == pytest.approx(0.2)
    assert speed.usual_gap("a", 10.4) == pytest.approx(0.2)


def test_the_usual_gap_follows_a_change_of_pace_slowly() -> None:
    speed = TypingSpeed()
    gaps = [speed.usual_gap("a", now) for now in (0.0, 0.2, 0.3)]
    assert gaps[2] == pytest.approx(0.17)


def test_nothing_is_expected_after_a_pause() -> None:
    speed = TypingSpeed()
    assert [speed.usual_gap("a", now) for now in (0.0, 5.0)] == [None, None]


def test_each_document_has_its_own() -> None:
    speed = TypingSpeed()
    speed.usual_gap("a", 0.0)
    assert speed.usual_gap("b", 0.1) is None


def test_the_time_since_a_change_counts_for_the_request_about_it() -> None:
    speed = TypingSpeed()
    speed.record_change("a", 10.0)
    assert speed.quiet_s("a", 10.05) == pytest.approx(0.05)


def test_a_request_long_after_a_change_is_about_a_cursor_that_rested() -> None:
    speed = TypingSpeed()
    speed.record_change("a", 10.0)
    assert speed.quiet_s("a", 11.0) == float("inf")


def test_a_cursor_that_goes_on_moving_does_not_rest() -> None:
    speed = TypingSpeed()
    assert [speed.quiet_s("a", now) for now in (10.0, 10.1, 10.2)] == [float("inf"), 0, 0]


def test_what_happens_elsewhere_does_not_count() -> None:
    speed = TypingSpeed()
    speed.record_change("a", 10.0)
    assert speed.quiet_s("b", 10.05) == float("inf")


def test_only_the_latest_are_remembered() -> None:
    speed = TypingSpeed()
    for number in range(101):
        speed.record_change(number, 10.0)
    assert speed.quiet_s(1, 10.1) == pytest.approx(0.1)
    assert speed.quiet_s(0, 10.1) == float("inf")
