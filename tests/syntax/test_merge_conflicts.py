import pytest

from copilotd.syntax.merge_conflicts import MergeConflict, find_conflict
from tests.cursor import CURSOR

CONFLICT = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\nd\n"


def find_in(marked: str) -> MergeConflict | None:
    before, _, after = marked.partition(CURSOR)
    return find_conflict(before + after, len(before))


@pytest.mark.parametrize(
    ("marked", "other_lines"),
    [
        (CONFLICT.replace("b", "b║"), ("c",)),
        (CONFLICT.replace("c", "c║"), ("b",)),
        (CONFLICT.replace("b", "b║").removeprefix("a\n"), ("c",)),
        (CONFLICT.replace("b", "║b\n||||||| base\ne"), ("e", "c")),
        (CONFLICT.replace("b", "b║").replace("\n", "\r\n"), ("c\r",)),
        (CONFLICT + CONFLICT.replace("b", "b║"), ("c",)),
    ],
    ids=[
        "the first side",
        "the second side",
        "at the start of the file",
        "with the base",
        "CR LF",
        "the second conflict of a file",
    ],
)
def test_a_place_on_one_side_knows_the_other_sides(
    marked: str, other_lines: tuple[str, ...]
) -> None:
    assert find_in(marked) == MergeConflict(on_marker=False, other_lines=other_lines)


@pytest.mark.parametrize(
    "marked",
    [
        CONFLICT.replace(line, line[:column] + CURSOR + line[column:], 1)
        for line in ("<<<<<<< HEAD", "=======", ">>>>>>> x")
        for column in (0, 3, len(line))
    ]
    + ["a\n>>>>>>> x║\nb\n", "<<<<<<<║"],
)
def test_a_place_on_a_marker_line_is_recognised(marked: str) -> None:
    assert find_in(marked) == MergeConflict(on_marker=True)


@pytest.mark.parametrize(
    "marked",
    [
        "a\n║" + CONFLICT,
        CONFLICT + "║",
        CONFLICT.replace("d", "║d"),
        CONFLICT + "║" + CONFLICT,
        "Heading\n=======║\n",
        "<<<<<<< HEAD\nb║\n",
        "x <<<<<<< 3║\n",
        "<<<<<<<<<║\n",
        "║",
    ],
)
def test_a_place_outside_of_a_conflict_has_none(marked: str) -> None:
    assert find_in(marked) is None
