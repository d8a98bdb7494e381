"""Anchored prompts have whole lines, and stay the same while the user types."""

import pytest

from copilotd.documents import Document
from copilotd.prompt.anchor import AnchoredPrompt, Layout, Match, lay_out
from tests.cursor import parse_document

FILE = "import os\n\n\ndef f(a):\n    b = a\n    return ║\n\n\ndef g():\n    pass\n"


def lay_out_at_cursor(marked: str, lines: int = 2, prefix: int = 100, suffix: int = 50) -> Layout:
    shown, offset = parse_document(marked)
    return lay_out(shown, offset, lines, prefix, suffix)


def match_prompt(anchored: str, now: str) -> Match | None:
    """Return how the prompt for the cursor in `anchored` continues to the cursor in `now`."""
    shown, offset = parse_document(now)
    return AnchoredPrompt(lay_out_at_cursor(anchored), ()).match(shown.text, offset)


def number_lines(count: int) -> str:
    return "".join(f"line {i:04d} of the file\n" for i in range(count))


def test_the_anchor_is_some_lines_above_the_cursor() -> None:
    layout = lay_out_at_cursor(FILE)
    assert layout.before == "import os\n\n\n"
    assert layout.after == "\n\n\ndef g():\n    pass\n"
    assert (layout.start, layout.anchor, layout.to_end) == (0, 12, True)


def test_near_the_top_of_the_file_the_anchor_is_the_top() -> None:
    assert lay_out_at_cursor("a = 1\nb║ = 2\n").anchor == 0


def test_a_very_long_line_has_its_anchor_inside() -> None:
    layout = lay_out_at_cursor("x" * 5000 + "║\n")
    assert 5000 - layout.anchor == 800


def test_both_sides_of_a_long_file_are_cut_at_line_ends() -> None:
    text = number_lines(1000)
    layout = lay_out(Document("u", text), 500 * 22, 2, 100, 50)
    assert layout.before.startswith("line ") and layout.after.endswith("file\n")
    assert 140 <= len(layout.before) <= 610 and 80 <= len(layout.after) <= 160
    assert not layout.to_end


def test_the_prefix_keeps_its_start_while_the_cursor_moves_down_a_little() -> None:
    document = Document("u", number_lines(1000))
    start = lay_out(document, 500 * 22, 2, 100, 50).start
    first = lay_out(document, start + 11 * 22, 2, 100, 50)
    near = lay_out(document, start + 14 * 22, 2, 100, 50, first)
    far = lay_out(document, start + 45 * 22, 2, 100, 50, first)
    assert near.start == first.start == start
    assert far.start > start


def test_the_prefix_starts_at_the_same_place_after_a_restart() -> None:
    text = number_lines(1000)
    layout = lay_out(Document("u", text), 500 * 22, 2, 100, 50)
    for line in range(501, 560):
        layout = lay_out(Document("u", text), line * 22, 2, 100, 50, layout)
        assert layout == lay_out(Document("u", text), line * 22, 2, 100, 50)


def test_lines_inserted_at_the_top_do_not_move_the_start_of_the_prefix() -> None:
    text = number_lines(1000)
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
def test_the_prompt_continues_to_a_cursor_near_its_anchor(now: str, expected: Match) -> None:
    assert match_prompt(FILE, now) == expected


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
    assert match_prompt(FILE, now) is None


def test_a_change_far_above_keeps_the_prompt_in_use_but_not_fresh() -> None:
    text = number_lines(60) + "def f():\n    ║\n"
    changed = text.replace("line 0002 of", "a new line\nline 0002 of")
    shown, offset = parse_document(text)
    anchor = AnchoredPrompt(lay_out(shown, offset, 1, 1000, 50), ())
    now, at = parse_document(changed)
    assert anchor.match(now.text, at) == Match("def f():\n    ", fresh=False)


def test_a_prompt_far_from_its_anchor_is_not_fresh() -> None:
    now = FILE.replace("║", "x" * 900 + "║")
    found = match_prompt(FILE, now)
    assert found is not None and not found.fresh
