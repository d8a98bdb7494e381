"""Where the splice benchmark puts the cursor before it comes to a hole."""

from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.moved_cursor import Place, move_down, place_at_hole, type_lines

HOLE = Hole("h", "files", "a\nb\nc\n", "  hole", "\nd\ne\nf", typed=4)


def shown(place: Place) -> str:
    text = place.document.text
    return f"{text[: place.offset]}|{text[place.offset :]}"


def test_the_rest_of_the_holes_line_is_not_there() -> None:
    assert shown(place_at_hole(HOLE)) == "a\nb\nc\n  ho|\nd\ne\nf"


def test_a_cursor_that_came_down_stood_at_the_end_of_a_line_above() -> None:
    assert [shown(place) for place in move_down(2)(HOLE)] == ["a\nb|\nc\n  ho\nd\ne\nf"]


def test_a_cursor_that_came_up_stood_at_the_end_of_a_line_below() -> None:
    assert [shown(place) for place in move_down(-1)(HOLE)] == ["a\nb\nc\n  ho\nd|\ne\nf"]


def test_a_hole_without_so_many_lines_is_left_out() -> None:
    assert move_down(4)(HOLE) == move_down(-4)(HOLE) == type_lines(2, 2)(HOLE) == []


def test_what_is_typed_grows_by_lines_in_front_of_the_hole() -> None:
    assert [shown(place) for place in type_lines(2, 1)(HOLE)] == ["a|\nd\ne\nf", "a\nb|\nd\ne\nf"]
