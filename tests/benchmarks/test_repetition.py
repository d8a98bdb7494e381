"""What counts as saying again what stands behind the cursor."""

import pytest

from benchmarks.repetition import repeats_rest_of_line


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("late_total([1, 2]))  # Output: 3", "late_total([1, 2]))"),
        ('info", "disk full", 3)', '", "disk full", 3)'),
        ('of 10 tests is:", result)', ' of 10 tests"'),
        ('y, color="red", width=2)', ', color="red", width=2)'),
        ("Record<string, JSONValue>>;", "Record<string, JSONValue>>;"),
        ("total, name", "name"),
    ],
)
def test_a_text_repeats_the_rest_of_its_line(text: str, rest: str) -> None:
    assert repeats_rest_of_line(text, rest)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("10, 10, 10", ').fill("red").draw();'),
        ("info", '", "disk full", 3)'),
        ("a, b)", ")"),
        ("x", ""),
        ("x * ", "x"),
        ("total +", " total_of_all"),
        ("\n    late_total([1, 2])", "late_total([1, 2]))"),
    ],
)
def test_a_text_does_not_repeat_the_rest_of_its_line(text: str, rest: str) -> None:
    assert not repeats_rest_of_line(text, rest)
