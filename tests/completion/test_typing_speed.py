"""The gap between keystrokes is learned, and forgotten in a pause; what happened last is known."""

import pytest

from copilotd.completion.typing_speed import Rhythm


def test_steady_typing_is_expected_to_go_on() -> None:
    rhythm = Rhythm()
    assert rhythm.beat("a", 10.0) is None
    assert rhythm.beat("a", 10.2) == pytest.approx(0.2)
    assert rhythm.beat("a", 10.4) == pytest.approx(0.2)


def test_the_usual_gap_follows_a_change_of_pace_slowly() -> None:
    rhythm = Rhythm()
    gaps = [rhythm.beat("a", now) for now in (0.0, 0.2, 0.3)]
    assert gaps[2] == pytest.approx(0.17)


def test_nothing_is_expected_after_a_pause() -> None:
    rhythm = Rhythm()
    assert [rhythm.beat("a", now) for now in (0.0, 5.0)] == [None, None]


def test_each_document_has_its_own() -> None:
    rhythm = Rhythm()
    rhythm.beat("a", 0.0)
    assert rhythm.beat("b", 0.1) is None


def test_the_time_since_a_change_counts_for_the_request_about_it() -> None:
    rhythm = Rhythm()
    rhythm.changed("a", 10.0)
    assert rhythm.quiet_s("a", 10.05) == pytest.approx(0.05)


def test_a_request_long_after_a_change_is_about_a_cursor_that_rested() -> None:
    rhythm = Rhythm()
    rhythm.changed("a", 10.0)
    assert rhythm.quiet_s("a", 11.0) == float("inf")


def test_a_cursor_that_goes_on_moving_does_not_rest() -> None:
    rhythm = Rhythm()
    assert [rhythm.quiet_s("a", now) for now in (10.0, 10.1, 10.2)] == [float("inf"), 0, 0]


def test_what_happens_elsewhere_does_not_count() -> None:
    rhythm = Rhythm()
    rhythm.changed("a", 10.0)
    assert rhythm.quiet_s("b", 10.05) == float("inf")


def test_only_the_latest_are_remembered() -> None:
    rhythm = Rhythm()
    for number in range(101):
        rhythm.changed(number, 10.0)
    assert rhythm.quiet_s(1, 10.1) == pytest.approx(0.1)
    assert rhythm.quiet_s(0, 10.1) == float("inf")
