"""The benchmark sends the requests of Copilot's extension and reads answers like it."""

from typing import Any

import pytest

from benchmarks.clients.copilot import (
    BLOCK_STOPS,
    PROMPT_CHARS,
    SUFFIX_CHARS,
    Cursor,
    build_copilot_body,
    close_brackets,
    find_block_end,
    repeats_brackets,
)
from benchmarks.copilot import KeyResult, place_cursor, render_table
from benchmarks.workloads.functions import load_function

BEHIND = "\n\nprint(add(1, 2))\n"


def create_result(wanted: str, text: str, behind: str = "") -> KeyResult:
    return KeyResult(wanted, behind, text, 1.0 if text else None, 2.0, 3, 4)


def build_extension_body(prompt: str, stop: list[str]) -> dict[str, Any]:
    """What @vscode/chat-lib 0.66.0 sends in a file sums.py, without the counts of tokens."""
    return {
        "prompt": prompt,
        "suffix": "print(add(1, 2))\n",
        "max_tokens": 500,
        "temperature": 0,
        "top_p": 1,
        "n": 1,
        "stop": stop,
        "stream": True,
        "extra": {
            "language": "python",
            "next_indent": 0,
            "trim_by_indentation": True,
            "context": ["Path: sums.py"],
        },
        "code_annotations": False,
    }


@pytest.mark.parametrize(
    ("line", "behind", "body"),
    [
        ("    ", "", build_extension_body("def add(a, b):\n", BLOCK_STOPS)),
        ("    ret", "", build_extension_body("def add(a, b):\n    ret", ["\n"])),
        ("    x = f(", ")", build_extension_body("def add(a, b):\n    x = f(", ["\n"])),
    ],
)
def test_a_request_equals_that_of_the_extension(
    line: str, behind: str, body: dict[str, Any]
) -> None:
    sent = build_copilot_body(Cursor(f"def add(a, b):\n{line}", behind + BEHIND, "sums.py"))
    del sent["extra"]["prompt_tokens"], sent["extra"]["suffix_tokens"]
    assert sent == body


def test_the_start_of_a_long_prompt_moves_by_whole_lines() -> None:
    lines = "".join(f"line{number} = 1\n" for number in range(5000))
    for more in ("x", "x = 12"):
        body = build_copilot_body(Cursor(lines + more, "\n" + lines, "a.py"))
        assert body["prompt"].startswith("line") and body["prompt"].endswith(f"\n{more}")
        assert len(body["suffix"]) == SUFFIX_CHARS
        assert len(body["prompt"] + body["suffix"]) <= PROMPT_CHARS


def test_the_suffix_uses_the_space_that_the_prefix_leaves() -> None:
    body = build_copilot_body(Cursor("x", "\n" + "line = 1\n" * 5000, "a.py"))
    assert len(body["suffix"]) == PROMPT_CHARS - len("x" + "Path: a.py")


def test_the_request_has_the_indentation_of_the_next_line() -> None:
    body = build_copilot_body(Cursor("def f():\n    a = 1\n", "\n\n    return a\n", "a.py"))
    assert body["extra"]["next_indent"] == 4


@pytest.mark.parametrize(
    ("before", "after", "indent"),
    [
        ("    if a:", "\n", 5),
        ("    if a:\n        ", "\n", 5),
        ("    if a:\n\n        ", "\n", None),
        ("    if a", "\n", None),
        ("    if f(a:", ")\n", None),
        ("    a = 1\n    ", "\n", None),
    ],
)
def test_the_start_of_a_block_requests_several_lines(
    before: str, after: str, indent: int | None
) -> None:
    assert Cursor(before, after, "a.py").block_indent == indent


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("\n    return 1\nx = 2\n", 13),
        ("    return 1\nx = 2\n", 12),
        ("\n    return 1\nx = 2", None),
        ("\n    return 1\n\n    pass\n", None),
        ("return 1", None),
    ],
)
def test_the_extension_hangs_up_at_the_end_of_the_block(text: str, end: int | None) -> None:
    assert find_block_end(text, 1) == end


@pytest.mark.parametrize(
    ("line", "closed"), [("f(a[", "])"), ("f(a)", ""), ('f("(', ")"), ("a = 1", ""), (")", "")]
)
def test_an_editor_closes_open_brackets(line: str, closed: str) -> None:
    assert close_brackets(line) == closed


def test_every_key_of_a_function_keeps_its_text_around_the_brackets() -> None:
    keys = list(load_function("heapq.nsmallest").keystrokes(60))
    cursors = [place_cursor(key, "heapq.py") for key in keys]
    assert {cursor.line_rest for cursor in cursors} >= {"", ")"}
    assert all(cursor.after.endswith(key.after) for key, cursor in zip(keys, cursors, strict=True))


@pytest.mark.parametrize(
    ("line", "repeats"), [("a)", True), ("g(a)", False), ("g(a))", True), ("a, ')'", False)]
)
def test_a_line_that_closes_what_it_does_not_open_repeats_brackets(
    line: str, repeats: bool
) -> None:
    assert repeats_brackets(line) is repeats


@pytest.mark.parametrize(
    ("one", "exact"),
    [
        (create_result("turn 1", "turn 1\nx = 2"), True),
        (create_result("a, b)", "a, b", ")"), True),
        (create_result("a, b)", "a, b)", ")"), True),
        (create_result("    pass", "pass"), False),
        (create_result("    pass", "    pass\n"), True),
        (create_result("a", ""), False),
        (create_result("a", "\na"), False),
    ],
)
def test_a_first_line_is_exact_with_or_without_the_brackets_behind_the_cursor(
    one: KeyResult, exact: bool
) -> None:
    assert one.is_exact is exact


def test_the_table_counts_empty_answers_and_leaves_them_out_of_the_first_token() -> None:
    keys = [create_result("a", ""), create_result("a)", "a)", ")"), create_result("", "b")]
    rows = render_table({"copilotd": keys}).splitlines()
    assert "| empty answers | 1 of 3 = 33.3 % |" in rows
    assert "| ms to the first token, p50 / p95 | 1 / 1 |" in rows
    assert "| first line exact | 1 of 2 = 50.0 % |" in rows
    assert "| repeats the code behind the cursor | 1 of 1 = 100.0 % |" in rows
