"""Which code of other files stands in front of a prompt, and that it stays there."""

from copilotd.documents import Snippet
from copilotd.prompt.snippets import format_files, select_snippets


def snippet(name: str, lines: int = 1) -> Snippet:
    """Of 32 characters a line, which count as ten tokens."""
    return Snippet(
        f"{name}.py", "".join(f"{name} = {n:0{28 - len(name)}d}\n" for n in range(lines))
    )


A, B, C, D = (snippet(name) for name in "abcd")


def test_all_are_shown_that_fit() -> None:
    assert select_snippets([A, B, C], (), 30) == (A, B, C)


def test_of_too_many_the_newest_fill_half_of_the_size() -> None:
    assert select_snippets([A, B, C, D], (), 35) == (D,)
    assert select_snippets([A, B, C, D], (), 41) == (A, B, C, D)


def test_a_newer_one_is_added_behind_those_that_are_there() -> None:
    assert select_snippets([A, B, C, D], (B, C), 30) == (B, C, D)


def test_without_room_for_a_newer_one_it_begins_anew() -> None:
    assert select_snippets([A, B, C, D], (A, B, C), 39) == (D,)


def test_it_begins_anew_when_one_that_is_there_is_no_longer_given() -> None:
    assert select_snippets([B, C], (A, B), 40) == (B, C)


def test_the_same_ones_again_change_nothing() -> None:
    first = select_snippets([A, B, C, D], (), 35)
    assert select_snippets([A, B, C, D], first, 35) == first


def test_a_long_one_is_cut_at_the_end_of_a_line_to_half_of_the_size() -> None:
    long = snippet("long", lines=100)
    (cut,) = select_snippets([long], (), 100)
    assert (cut.path, cut.text) == ("long.py", long.text[: 5 * 32])
    assert select_snippets([long, A], (cut,), 100) == (cut, A)


def test_a_file_is_its_path_and_its_text_and_the_open_one_comes_last() -> None:
    assert format_files([Snippet("b.py", "LIMIT = 1\n"), Snippet("", "x\n")], "a.py") == [
        "b.py\nLIMIT = 1\n",
        "untitled\nx\n",
        "a.py\n",
    ]
