import random

import pytest

from copilotd.lsp.positions import Encoding, LineIndex, count_code_points, count_units

ALPHABET = ["a", "é", "語", "😀", "\t", "\x0c", "\u2028", "\n", "\r\n", "\r"]


def random_texts() -> list[str]:
    rng = random.Random(20)
    return ["", *("".join(rng.choices(ALPHABET, k=rng.randint(1, 40))) for _ in range(300))]


def cursor_offsets(text: str) -> list[int]:
    """Every offset at which a cursor can stand: not between CR and LF."""
    return [i for i in range(len(text) + 1) if text[i - 1 : i + 1] != "\r\n" or i == 0]


@pytest.mark.parametrize("encoding", Encoding)
def test_every_offset_survives_the_conversion_to_a_position_and_back(encoding: Encoding) -> None:
    for text in random_texts():
        lines = LineIndex(text)
        positions = [lines.position_at(offset, encoding) for offset in cursor_offsets(text)]
        assert [lines.offset_at(*position, encoding) for position in positions] == cursor_offsets(
            text
        )
        assert positions == sorted(set(positions))


@pytest.mark.parametrize(
    ("encoding", "column"), [(Encoding.UTF8, 7), (Encoding.UTF16, 4), (Encoding.UTF32, 3)]
)
def test_a_column_counts_the_units_of_its_encoding(encoding: Encoding, column: int) -> None:
    text = "first\né😀x rest"
    assert LineIndex(text).position_at(9, encoding) == (1, column)
    assert LineIndex(text).offset_at(1, column, encoding) == 9


def test_lines_end_only_where_editors_end_them() -> None:
    text = "a\x0cb\u2028c\x85d\re\r\nf\n"
    positions = [
        LineIndex(text).position_at(text.index(letter), Encoding.UTF16) for letter in "abcdef"
    ]
    assert positions == [(0, 0), (0, 2), (0, 4), (0, 6), (1, 0), (2, 0)]


def test_a_column_after_the_line_means_its_end_without_the_line_ending() -> None:
    lines = LineIndex("ab\r\ncd")
    assert [lines.offset_at(line, 99, Encoding.UTF16) for line in (0, 1, 7)] == [2, 6, 6]


@pytest.mark.parametrize("encoding", Encoding)
def test_a_column_inside_a_character_means_its_start(encoding: Encoding) -> None:
    whole = count_units("😀", encoding)
    inside = [LineIndex("x😀y").offset_at(0, 1 + part, encoding) for part in range(whole)]
    assert inside == [1] * whole
    assert LineIndex("x😀y").offset_at(0, 1 + whole, encoding) == 2


@pytest.mark.parametrize("encoding", Encoding)
def test_units_and_code_points_are_inverse(encoding: Encoding) -> None:
    for text in random_texts():
        for length in range(len(text) + 1):
            count = count_units(text[:length], encoding)
            assert count_code_points(text, count, encoding) == length
