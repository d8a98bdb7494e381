"""Where the benchmark's cursor goes, and the file in which it types."""

import pytest

from benchmarks.typed_through import advance, lengthen
from benchmarks.workloads.functions import load_function


@pytest.mark.parametrize(
    ("text", "place"), [("", (3, 4)), ("ab", (3, 6)), ("\n", (4, 0)), ("a\n\n  b", (5, 3))]
)
def test_the_cursor_is_behind_the_typed_text(text: str, place: tuple[int, int]) -> None:
    assert advance((3, 4), text) == place


def test_a_longer_file_has_the_same_lines_around_the_function() -> None:
    own = load_function("heapq.nsmallest")
    longer = lengthen(own, 5000)
    assert longer.before.endswith(own.before)
    assert longer.after.startswith(own.after)
    assert 4500 <= (longer.before + longer.after).count("\n") <= 5500


def test_a_file_that_is_long_enough_does_not_change() -> None:
    own = load_function("heapq.nsmallest")
    assert lengthen(own, 500) == own
