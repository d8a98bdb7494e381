import pytest

from copilotd.lsp.changes import Position
from copilotd.lsp.lines import Lines
from copilotd.lsp.positions import Encoding, count_units
from tests.lsp.test_positions import random_texts


def cursor_offsets(text: str) -> list[int]:
    """Every offset at which a cursor can stand: not between CR and LF."""
    return [i for i in range(len(text) + 1) if text[i - 1 : i + 1] != "\r\n" or i == 0]


@pytest.mark.parametrize("encoding", Encoding)
def test_every_offset_survives_the_conversion_to_a_position_and_back(encoding: Encoding) -> None:
    for text in random_texts():
        lines = Lines(text)
        positions = [lines.position_at(offset, encoding) for offset in cursor_offsets(text)]
        assert [lines.offset_at(position, encoding) for position in positions] == cursor_offsets(
            text
        )
        assert positions == sorted(set(positions))


@pytest.mark.parametrize(
    ("encoding", "column"), [(Encoding.UTF8, 7), (Encoding.UTF16, 4), (Encoding.UTF32, 3)]
)
def test_a_column_counts_the_units_of_its_encoding(encoding: Encoding, column: int) -> None:
    text = "first\né😀x rest"
    assert Lines(text).position_at(9, encoding) == Position(1, column)
    assert Lines(text).offset_at(Position(1, column), encoding) == 9


def test_lines_end_only_where_editors_end_them() -> None:
    text = "a\x0cb\u2028c\x85d\re\r\nf\n"
    positions = [Lines(text).position_at(text.index(letter), Encoding.UTF16) for letter in "abcdef"]
    at = [(position.line, position.character) for position in positions]
    assert at == [(0, 0), (0, 2), (0, 4), (0, 6), (1, 0), (2, 0)]


def test_a_column_after_the_line_means_its_end_without_the_line_ending() -> None:
    lines = Lines("ab\r\ncd")
    assert [lines.offset_at(Position(line, 99), Encoding.UTF16) for line in (0, 1, 7)] == [2, 6, 6]


@pytest.mark.parametrize("encoding", Encoding)
def test_a_column_inside_a_character_means_its_start(encoding: Encoding) -> None:
    whole = count_units("😀", encoding)
    inside = [Lines("x😀y").offset_at(Position(0, 1 + part), encoding) for part in range(whole)]
    assert inside == [1] * whole
    assert Lines("x😀y").offset_at(Position(0, 1 + whole), encoding) == 2


def test_the_lines_of_a_text_join_to_the_text() -> None:
    for text in random_texts():
        lines = Lines(text)
        assert (lines.join(), lines.size) == (text, len(text))


def test_an_edit_of_a_copy_leaves_the_original_as_it_is() -> None:
    lines = Lines("a\nb\n")
    copy = lines.copy()
    copy.replace(Position(0, 0), Position(1, 0), "", Encoding.UTF16)
    assert (lines.join(), copy.join()) == ("a\nb\n", "b\n")


@pytest.mark.parametrize("position", [Position(-1, 0), Position(0, -3)])
def test_a_negative_position_means_the_beginning(position: Position) -> None:
    assert Lines("ab\ncd").offset_at(position, Encoding.UTF16) == 0
