import pytest

from copilotd.syntax.lines import (
    Line,
    begins_with_closer,
    indent_width,
    indentation_step,
    is_trivial,
    may_become_closer,
    opens_block,
    split_lines,
    unify_line_ends,
)


def test_blank_lines_are_left_out_and_offsets_stay() -> None:
    assert split_lines("a\n\n  b\r\n", "") == [Line(0, "a", True), Line(3, "  b", True)]


def test_a_lone_cr_ends_a_line() -> None:
    assert split_lines("a\r\rb\rc") == [
        Line(0, "a", True),
        Line(3, "b", True),
        Line(5, "c", False),
    ]
    assert unify_line_ends("a\rb\r\nc\n\rd") == "a\nb\r\nc\n\nd"


def test_the_first_line_includes_the_text_typed_before_it() -> None:
    lines = split_lines("b = 1\nc", "  a")
    assert lines == [Line(-3, "  ab = 1", True), Line(6, "c", False)]
    assert [lines[0].cut_before, lines[0].cut_after, lines[1].cut_before] == [0, 5, 5]


@pytest.mark.parametrize(
    "line", ["", "}", "});", "else:", "} else {", "end", "</div>", "return", "break;", "0, 0,"]
)
def test_a_line_without_content_is_trivial(line: str) -> None:
    assert is_trivial(line)


@pytest.mark.parametrize("line", ["return False", "x", "break outer", "<li>", "变量 = 1", "_ = 1"])
def test_a_line_with_content_is_not_trivial(line: str) -> None:
    assert not is_trivial(line)


@pytest.mark.parametrize(
    ("language", "line", "closes"),
    [
        ("ruby", "  end", True),
        ("ruby", "ending = 1", False),
        ("python", "end", False),
        ("c", "};", True),
        ("html", "</ul>", True),
        ("html", "<ul>", False),
        ("shellscript", "done < file", True),
    ],
)
def test_a_line_that_begins_with_a_closer_closes_a_block(
    language: str, line: str, closes: bool
) -> None:
    assert begins_with_closer(line, language) is closes


def test_the_start_of_a_closer_may_become_a_closer() -> None:
    assert may_become_closer("  en", "lua")
    assert may_become_closer("  <", "html")
    assert not may_become_closer("  ex", "lua")


@pytest.mark.parametrize(
    "line", ["if a:", "f() {", "x = [", "if a then", "for x do", "if a:  # why", "(a) =>"]
)
def test_a_line_that_ends_with_an_opener_opens_a_block(line: str) -> None:
    assert opens_block(line)


def test_a_tab_counts_as_four_columns() -> None:
    assert [indent_width("\t\tx"), indent_width("  \tx"), indent_width("   x")] == [
        8,
        4,
        3,
    ]


def test_the_indentation_step_is_measured_below_lines_that_open_a_block() -> None:
    lines = ["call(one,", "       two)", "if (a) {", "  b();", "  if (c) {", "    d();"]
    assert indentation_step(lines, 4) == 2
    assert indentation_step(["a", "b"], 4) == 4
