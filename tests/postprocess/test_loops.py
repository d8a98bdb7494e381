"""Loops inside a line are told from tables, separators and numbers."""

import pytest

from copilotd.documents import Document
from copilotd.postprocess.context import CursorContext, Mode
from copilotd.postprocess.filters.repetition import truncate_at


def stream(before: str, text: str, language: str = "python") -> str | None:
    """Return what is kept when generation is ended; None if it is not."""
    context = CursorContext(Document("u", before, language), len(before), Mode.LINE, 8)
    for length in range(len(text) + 1):
        if (keep := truncate_at(context, text[:length])) is not None:
            return text[:keep]
    return None


@pytest.mark.parametrize(
    ("before", "text", "kept"),
    [
        ("mask = 0b", "1" * 100, ""),
        ("pi = 3.", "0" * 60, ""),
        ("[0, 0,", " 0," * 30, " 0"),
        ("[", "0, 1, " * 20, "0, 1"),
        ("[", "[0, 0, 0], " * 20, "[0, 0, 0]"),
        ("b'", "\\xff" * 40, "\\xff"),
        ("version = ", "0." * 40, "0"),
        ("s = '", "ab" * 60, ""),
        ("s = 'Wait", "." * 60, "..."),
        ("x", " " * 100, ""),
        ("f(", "'-' * 10, " * 20, "'-' * 10"),
    ],
)
def test_a_loop_ends_generation(before: str, text: str, kept: str) -> None:
    assert stream(before, text) == kept


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("mask = 0x", "F" * 16),
        ("id = '", "00000000-0000-0000-0000-000000000000'"),
        ("row = [", "0, 0, 0, 0, 0, 0, 0, 0]"),
        ("primes = [", ", ".join(map(str, range(2, 60)))),
        ("# ", "-" * 70),
        ("print('", "=" * 40 + "')"),
        ("", "    " * 6 + "x = 1"),
        ("f(", "a, b, c, d, e, f, g, h, i, j, k, l, m, n)"),
    ],
)
def test_other_text_does_not_end_generation(before: str, text: str) -> None:
    assert stream(before, text) is None


def test_generation_ends_soon() -> None:
    context = CursorContext(Document("u", "x = 0b", "python"), 6, Mode.LINE, 8)
    assert truncate_at(context, "1" * 33) == 0


def test_a_row_like_one_above_may_be_long() -> None:
    row = "0, " * 20
    assert stream(f"a = [\n    {row}\n    ", row) is None


def test_a_separator_may_be_as_long_as_one_above() -> None:
    line = "# " + "=" * 98
    assert stream(f"{line}\n# ", "=" * 98) is None
    assert stream(f"{line}\n# ", "=" * 120) == "=" * 98
