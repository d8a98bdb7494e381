"""Which snippets of other files a prompt begins with, and that they stay there."""

from copilotd.documents import Snippet
from copilotd.prompt.snippets import format_files, select_snippets


def create_snippet(name: str, lines: int = 1) -> Snippet:
    """Return a snippet with lines that count as ten tokens each."""
    return Snippet(f"{name}.py", "".join(f"{name} = {n:06d}\n" for n in range(lines)))


A, B, C, D = (create_snippet(name) for name in "abcd")


def test_all_snippets_are_selected_if_they_fit() -> None:
    assert select_snippets([A, B, C], (), 30) == (A, B, C)


def test_the_newest_snippets_fill_half_of_the_size_if_not_all_fit() -> None:
    assert select_snippets([A, B, C, D], (), 35) == (D,)
    assert select_snippets([A, B, C, D], (), 41) == (A, B, C, D)


def test_a_newer_snippet_is_added_after_the_selected_ones() -> None:
    assert select_snippets([A, B, C, D], (B, C), 30) == (B, C, D)


def test_the_selection_restarts_if_a_newer_snippet_does_not_fit() -> None:
    assert select_snippets([A, B, C, D], (A, B, C), 39) == (D,)


def test_the_selection_restarts_if_a_selected_snippet_is_gone() -> None:
    assert select_snippets([B, C], (A, B), 40) == (B, C)


def test_the_same_snippets_again_keep_the_selection() -> None:
    first = select_snippets([A, B, C, D], (), 35)
    assert select_snippets([A, B, C, D], first, 35) == first


def test_a_long_snippet_is_cut_at_a_line_end_to_half_of_the_size() -> None:
    long = create_snippet("long", lines=100)
    (cut,) = select_snippets([long], (), 100)
    assert (cut.path, cut.text) == ("long.py", "".join(long.text.splitlines(keepends=True)[:5]))
    assert select_snippets([long, A], (cut,), 100) == (cut, A)


def test_each_file_has_its_path_and_its_text_and_the_open_file_comes_last() -> None:
    assert format_files([Snippet("b.py", "LIMIT = 1\n"), Snippet("", "x\n")], "a.py") == [
        "b.py\nLIMIT = 1\n",
        "untitled\nx\n",
        "a.py\n",
    ]
