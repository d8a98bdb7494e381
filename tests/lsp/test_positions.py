import random

import pytest

from copilotd.lsp.positions import Encoding, LineIndex, count_code_points, count_units

ALPHABET = ["a", "é", "語", "😀", "\t", "\x0c", "\u2028", "\n", "\r\n", "\r"]


def texts() -> list[str]:
    chance = random.Random(20)
    return ["", *("".join(chance.choices(ALPHABET, k=chance.randint(1, 40))) for _ in range(300))]


def cursors(text: str) -> list[int]:
    """Every offset at which a cursor can stand: not between CR and LF."""
    return [i for i in range(len(text) + 1) if text[i - 1 : i + 1] != "\r\n" or i == 0]


@pytest.mark.parametrize("encoding", Encoding)
def test_every_offset_survives_the_way_to_the_editor_and_back(encoding: Encoding) -> None:
    for text in texts():
        lines = LineIndex(text)
        places = [lines.position_at(offset, encoding) for offset in cursors(text)]
        assert [lines.offset_at(*place, encoding) for place in places] == cursors(text)
        assert places == sorted(set(places))


@pytest.mark.parametrize(
    ("encoding", "column"), [(Encoding.UTF8, 7), (Encoding.UTF16, 4), (Encoding.UTF32, 3)]
)
def test_a_column_counts_the_units_of_its_encoding(encoding: Encoding, column: int) -> None:
    text = "first\né😀x rest"
    assert LineIndex(text).position_at(9, encoding) == (1, column)
    assert LineIndex(text).offset_at(1, column, encoding) == 9


def test_lines_end_where_editors_end_them_and_nowhere_else() -> None:
    text = "a\x0cb\u2028c\x85d\re\r\nf\n"
    places = [
        LineIndex(text).position_at(text.index(letter), Encoding.UTF16) for letter in "abcdef"
    ]
    assert places == [(0, 0), (0, 2), (0, 4), (0, 6), (1, 0), (2, 0)]


def test_a_column_behind_the_line_means_its_end_without_the_line_end() -> None:
    lines = LineIndex("ab\r\ncd")
    assert [lines.offset_at(line, 99, Encoding.UTF16) for line in (0, 1, 7)] == [2, 6, 6]


@pytest.mark.parametrize("encoding", Encoding)
def test_a_column_inside_a_character_means_its_beginning(encoding: Encoding) -> None:
    whole = count_units("😀", encoding)
    inside = [LineIndex("x😀y").offset_at(0, 1 + part, encoding) for part in range(whole)]
    assert inside == [1] * whole
    assert LineIndex("x😀y").offset_at(0, 1 + whole, encoding) == 2


@pytest.mark.parametrize("encoding", Encoding)
def test_units_and_code_points_are_inverse(encoding: Encoding) -> None:
    for text in texts():
        for length in range(len(text) + 1):
            count = count_units(text[:length], encoding)
            assert count_code_points(text, count, encoding) == length
