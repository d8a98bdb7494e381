"""Anchored prompts: laid out in whole lines, and left as they are while somebody types."""

import pytest

from copilotd.documents import Document
from copilotd.prompt.anchor import AnchoredPrompt, Layout, Match, lay_out
from tests.cursor import document

FILE = "import os\n\n\ndef f(a):\n    b = a\n    return ║\n\n\ndef g():\n    pass\n"


def layout(marked: str, lines: int = 2, prefix: int = 100, suffix: int = 50) -> Layout:
    shown, offset = document(marked)
    return lay_out(shown, offset, lines, prefix, suffix)


def match(anchored: str, now: str) -> Match | None:
    """How a prompt for one cursor continues to another."""
    shown, offset = document(now)
    return AnchoredPrompt(layout(anchored), ()).match(shown.text, offset)


def numbered(count: int) -> str:
    return "".join(f"line {i:04d} of the file\n" for i in range(count))


def test_the_anchor_stands_some_lines_above_the_cursor() -> None:
    laid = layout(FILE)
    assert laid.before == "import os\n\n\n"
    assert laid.after == "\n\n\ndef g():\n    pass\n"
    assert (laid.start, laid.anchor, laid.to_end) == (0, 12, True)


def test_near_the_top_the_anchor_is_the_top() -> None:
    assert layout("a = 1\nb║ = 2\n").anchor == 0


def test_a_line_of_thousands_of_characters_is_anchored_within() -> None:
    laid = layout("x" * 5000 + "║\n")
    assert 5000 - laid.anchor == 800


def test_both_sides_of_a_long_file_are_cut_at_line_ends() -> None:
    text = numbered(1000)
    laid = lay_out(Document("u", text), 500 * 22, 2, 100, 50)
    assert laid.before.startswith("line ") and laid.after.endswith("file\n")
    assert 320 <= len(laid.before) <= 480 and 120 <= len(laid.after) <= 160
    assert not laid.to_end


def test_the_beginning_of_the_prefix_stays_while_the_cursor_goes_down_a_little() -> None:
    text, first = numbered(1000), lay_out(Document("u", numbered(1000)), 500 * 22, 2, 100, 50)
    starts = [lay_out(Document("u", text), (500 + n) * 22, 2, 100, 50, first).start for n in (1, 3)]
    assert starts == [first.start, first.start]
    far = lay_out(Document("u", text), 530 * 22, 2, 100, 50, first)
    assert far.start > first.start


def test_the_prefix_begins_where_it_did_before_a_restart() -> None:
    text = numbered(1000)
    laid = lay_out(Document("u", text), 500 * 22, 2, 100, 50)
    for line in range(501, 560):
        laid = lay_out(Document("u", text), line * 22, 2, 100, 50, laid)
        assert laid == lay_out(Document("u", text), line * 22, 2, 100, 50)


def test_lines_put_in_at_the_top_do_not_move_the_beginning_of_the_prefix() -> None:
    text = numbered(1000)
    first = lay_out(Document("u", text), 500 * 22, 2, 100, 50)
    grown = "import os\n" + text
    again = lay_out(Document("u", grown), 500 * 22 + 10, 2, 100, 50, first)
    assert (again.start, again.before) == (first.start + 10, first.before)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (FILE, Match("def f(a):\n    b = a\n    return ", fresh=True)),
        (FILE.replace("║", "a + ║"), Match("def f(a):\n    b = a\n    return a + ", fresh=True)),
        (FILE.replace("b = a", "bb = a"), Match("def f(a):\n    bb = a\n    return ", fresh=True)),
        (FILE.replace("return ║", "║"), Match("def f(a):\n    b = a\n    ", fresh=True)),
        (FILE.replace("║", "g(║)"), Match("def f(a):\n    b = a\n    return g(", fresh=True)),
        (
            FILE.replace("║", "{\n  ║\n  }"),
            Match("def f(a):\n    b = a\n    return {\n  ", fresh=True),
        ),
    ],
    ids=["as it was", "typed", "changed above", "deleted", "closed by the editor", "split braces"],
)
def test_the_prompt_goes_on_to_a_cursor_near_it(now: str, expected: Match) -> None:
    assert match(FILE, now) == expected


@pytest.mark.parametrize(
    "now",
    [
        FILE.replace("║", "").replace("import os", "import║ os"),
        FILE.replace("pass", "return 1"),
        FILE.replace("\n\n\ndef g", "\n\n\nclass g"),
        FILE.replace("║", "").replace("pass", "║pass"),
        FILE + "more\n",
    ],
    ids=["above the anchor", "below changed", "suffix changed", "far below", "longer at the end"],
)
def test_the_prompt_does_not_serve_another_place(now: str) -> None:
    assert match(FILE, now) is None


def test_a_change_far_above_leaves_the_prompt_in_use_until_there_is_a_fresh_one() -> None:
    text = numbered(60) + "def f():\n    ║\n"
    changed = text.replace("line 0002 of", "a new line\nline 0002 of")
    shown, offset = document(text)
    anchor = AnchoredPrompt(lay_out(shown, offset, 1, 1000, 50), ())
    now, at = document(changed)
    assert anchor.match(now.text, at) == Match("def f():\n    ", fresh=False)


def test_a_long_way_from_the_anchor_a_fresh_one_is_worth_it() -> None:
    now = FILE.replace("║", "x" * 900 + "║")
    found = match(FILE, now)
    assert found is not None and not found.fresh
