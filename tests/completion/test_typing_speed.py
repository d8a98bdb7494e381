"""The usual gap between keystrokes is learned, and a pause resets it."""

import pytest

from copilotd.completion.typing_speed import TypingSpeed


def test_steady_typing_has_a_usual_gap() -> None:
    speed = TypingSpeed()
    assert speed.usual_gap("a", 10.0) is None
    assert speed.usual_gap("a", 10.2) == pytest.approx(0.2)
    assert speed.usual_gap("a", 10.4) == pytest.approx(0.2)


def test_the_usual_gap_follows_a_change_of_pace_slowly() -> None:
    speed = TypingSpeed()
    gaps = [speed.usual_gap("a", now) for now in (0.0, 0.2, 0.3)]
    assert gaps[2] == pytest.approx(0.17)


def test_there_is_no_usual_gap_after_a_pause() -> None:
    speed = TypingSpeed()
    assert [speed.usual_gap("a", now) for now in (0.0, 5.0)] == [None, None]


def test_each_document_has_its_own_typing_speed() -> None:
    speed = TypingSpeed()
    speed.usual_gap("a", 0.0)
    assert speed.usual_gap("b", 0.1) is None


def test_a_request_right_after_a_change_has_the_time_since_the_change() -> None:
    speed = TypingSpeed()
    speed.record_change("a", 10.0)
    assert speed.quiet_s("a", 10.05) == pytest.approx(0.05)


def test_a_request_long_after_a_change_is_about_a_resting_cursor() -> None:
    speed = TypingSpeed()
    speed.record_change("a", 10.0)
    assert speed.quiet_s("a", 11.0) == float("inf")


def test_a_cursor_that_keeps_moving_does_not_rest() -> None:
    speed = TypingSpeed()
    assert [speed.quiet_s("a", now) for now in (10.0, 10.1, 10.2)] == [float("inf"), 0, 0]


def test_a_change_of_another_document_does_not_count() -> None:
    speed = TypingSpeed()
    speed.record_change("a", 10.0)
    assert speed.quiet_s("b", 10.05) == float("inf")


def test_only_the_latest_changes_are_remembered() -> None:
    speed = TypingSpeed()
    for number in range(101):
        speed.record_change(number, 10.0)
    assert speed.quiet_s(1, 10.1) == pytest.approx(0.1)
    assert speed.quiet_s(0, 10.1) == float("inf")
