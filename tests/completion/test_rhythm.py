"""The gap between keystrokes is learned, and forgotten in a pause."""

import pytest

from copilotd.completion.rhythm import Rhythm


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
