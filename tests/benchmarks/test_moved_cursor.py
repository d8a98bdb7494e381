"""Where the benchmark of repositioned cells puts the cursor before it comes to a hole."""

from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.moved_cursor import Place, move_down, place_at_hole, type_lines

HOLE = Hole("h", "files", "a\nb\nc\n", "  hole", "\nd\ne\nf", typed=4)


def render_place(place: Place) -> str:
    text = place.document.text
    return f"{text[: place.offset]}|{text[place.offset :]}"


def test_the_rest_of_the_line_of_the_hole_is_missing() -> None:
    assert render_place(place_at_hole(HOLE)) == "a\nb\nc\n  ho|\nd\ne\nf"


def test_a_cursor_that_moves_down_comes_from_the_end_of_a_line_above() -> None:
    assert [render_place(place) for place in move_down(2)(HOLE)] == ["a\nb|\nc\n  ho\nd\ne\nf"]


def test_a_cursor_that_moves_up_comes_from_the_end_of_a_line_below() -> None:
    assert [render_place(place) for place in move_down(-1)(HOLE)] == ["a\nb\nc\n  ho\nd|\ne\nf"]


def test_a_hole_with_too_few_lines_is_left_out() -> None:
    assert move_down(4)(HOLE) == move_down(-4)(HOLE) == type_lines(2, 2)(HOLE) == []


def test_typed_text_grows_by_lines_before_the_hole() -> None:
    assert [render_place(place) for place in type_lines(2, 1)(HOLE)] == [
        "a|\nd\ne\nf",
        "a\nb|\nd\ne\nf",
    ]
