"""Windows begin at places that depend on the text alone, and that edits elsewhere do not move."""

import random
from itertools import pairwise

import pytest

from copilotd.prompt.windows import Window, find_windows, window_at

SIZE = 1000


def make_source(functions: int, seed: int = 1) -> str:
    rng = random.Random(seed)
    return "".join(
        f"def function_{n}(value):\n"
        + "".join(f"    value += {rng.randrange(10**6)}\n" for _ in range(rng.randrange(2, 9)))
        + "    return value\n\n\n"
        for n in range(functions)
    )


TEXT = make_source(120)


def find_start_texts(text: str) -> list[str]:
    return [text[window.start :][:40] for window in find_windows(text, SIZE)]


def test_the_windows_cover_the_text_and_overlap() -> None:
    windows = find_windows(TEXT, SIZE)
    assert windows[0].start == 0 and windows[-1].end == len(TEXT)
    for window, following in pairwise(windows):
        assert 960 <= following.start - window.start <= 1440
        assert window.end - following.start == 450


def test_all_windows_together_are_at_most_one_and_a_half_times_as_long_as_the_text() -> None:
    total = sum(window.end - window.start for window in find_windows(TEXT, SIZE))
    assert total <= 1.5 * len(TEXT)


def test_a_short_text_is_one_window() -> None:
    assert find_windows("a = 1\n", SIZE) == (Window(0, 6),)
    assert find_windows("", SIZE) == (Window(0, 0),)


def test_windows_begin_at_top_level_definitions() -> None:
    assert all(text.startswith("def ") for text in find_start_texts(TEXT))


@pytest.mark.parametrize("place", [0.02, 0.35, 0.7])
def test_an_edit_moves_at_most_a_few_starts(place: float) -> None:
    at = TEXT.index("\n\n\ndef", int(place * len(TEXT))) + 3
    edited = TEXT[:at] + "import os\nimport sys\n\n\n" + TEXT[at:]
    before, after = find_start_texts(TEXT), find_start_texts(edited)
    assert len(set(before) - set(after)) <= 3


def test_every_anchor_is_in_the_window_that_serves_it() -> None:
    for anchor in range(0, len(TEXT), 37):
        window = window_at(TEXT, anchor, SIZE)
        assert window.start <= anchor <= window.end
        assert window.start == 0 or anchor - window.start >= 450


def test_a_text_without_line_ends_has_windows_too() -> None:
    windows = find_windows("x" * 10_000, SIZE)
    assert len(windows) > 5 and windows[-1].end == 10_000
