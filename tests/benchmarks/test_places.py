"""The places of the cursor, and the judge of what is shown there."""

from itertools import islice
from typing import Any

import pytest

from benchmarks.cursor_places.grammar import LANGUAGES, ParsedFile, count_errors, parse_file
from benchmarks.cursor_places.places import Kind, Place, draw_place
from benchmarks.cursor_places.table import render_comparisons, render_table
from benchmarks.cursor_places.verdict import judge
from benchmarks.places import GROUPS, Tally, iterate_questions
from benchmarks.workloads.holes import SourceFile

PYTHON = '''def load(name):
    """Read a file."""
    if not name:
        raise ValueError("no name", name)  # never
    return open(name)
'''
SOURCES = {
    "go": 'package a\n\nfunc add(first int) int {\n\treturn first + len("ab")\n}\n',
    "java": 'class A {\n  int add(int first) {\n    return first + size("ab");\n  }\n}\n',
    "python": PYTHON,
    "rust": 'fn add(first: i32) -> i32 {\n    let more = size("ab");\n    first + more\n}\n',
    "typescript": 'function add(first: number) {\n  return first + size("ab");\n}\n',
}


def parse(language: str, text: str) -> ParsedFile:
    parsed = parse_file(language, text)
    assert parsed
    return parsed


def list_places(kind: Kind, text: str, language: str = "python") -> set[str]:
    """Lines with the cursor, over many draws."""
    drawn = [draw_place(kind, parse(language, text), str(seed)) for seed in range(200)]
    return {mark(place) for place in drawn if place}


def mark(place: Place) -> str:
    line = place.text[: place.offset].rpartition("\n")[2]
    return f"{line}|{place.behind}" + (f"|{place.gold}" if place.gold else "")


def test_statement_ends_are_at_the_end_of_a_line() -> None:
    text = "import os\nif a: b()\nx = [\n    1,\n]\ny = 2  # two\n"
    assert list_places(Kind.STATEMENT_END, text) == {"import os|", "if a: b()|"}


def test_places_between_tokens_are_on_both_sides_of_a_blank() -> None:
    assert list_places(Kind.BETWEEN_TOKENS, "x = f(y)  # z\n") == {
        "x| = f(y)  # z",
        "x |= f(y)  # z",
        "x =| f(y)  # z",
        "x = |f(y)  # z",
        "x = f|(y)  # z",
        "x = f(|y)  # z",
        "x = f(y|)  # z",
    }


def test_places_inside_words_are_in_names_of_three_letters() -> None:
    assert list_places(Kind.INSIDE_WORD, "abc = de('fgh')\n") == {
        "a|bc = de('fgh')",
        "ab|c = de('fgh')",
    }


def test_places_inside_strings_have_code_behind_the_string() -> None:
    text = "log('ab', x)\ny = 'cd'\nz = f('{w}', '')\n"
    assert list_places(Kind.INSIDE_STRING, text) == {
        "log('|ab', x)",
        "log('a|b', x)",
        "log('ab|', x)",
        "z = f('{w}', '|')",
    }


def test_places_in_the_indentation_are_in_front_of_code() -> None:
    text = 'def f():\n  """Do."""\n  # no\n  x\n'
    assert list_places(Kind.INDENTATION, text) == {"|  x", " | x"}


def test_a_deleted_end_starts_between_tokens_and_has_a_word() -> None:
    assert list_places(Kind.DELETED_END, "x = f(y)\ng()\nh = 1  # no\n") == {
        "x|| = f(y)",
        "x ||= f(y)",
        "x =|| f(y)",
        "x = ||f(y)",
        "x = f||(y)",
        "x = f(||y)",
    }


def test_lines_that_a_long_string_touches_have_no_places_between_tokens() -> None:
    text = 'x = """a\nb""" + c\n'
    assert list_places(Kind.BETWEEN_TOKENS, text) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_kind_of_place(language: str) -> None:
    parsed = parse(language, SOURCES[language])
    for kind in Kind:
        place = draw_place(kind, parsed, "seed")
        assert place == draw_place(kind, parsed, "seed")
        assert place or (kind is Kind.STATEMENT_END and language == "go")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_errors_that_are_counted(language: str) -> None:
    assert count_errors(language, SOURCES[language]) == 0
    assert count_errors(language, SOURCES[language].replace("(", "((", 1)) > 0


@pytest.mark.parametrize("text", ["x = (\n", "x = 'é'\n"])
def test_files_with_errors_or_other_letters_have_no_places(text: str) -> None:
    assert parse_file("python", text) is None


def ask(text: str, shown: str, kind: Kind = Kind.BETWEEN_TOKENS, gold: str = "") -> Any:
    """The verdict on `shown` at the bar in `text`."""
    before, _, after = text.partition("|")
    place = Place(kind, before + after, len(before), gold)
    return judge("python", place, shown, place.behind, before + shown + after)


def test_a_text_that_leaves_an_error_breaks_the_parse() -> None:
    assert ask("print(calcu|late_total([1]))\n", "late_total([1]))").breaks
    assert ask("print(calcu|late_total([1]))\n", "late_total([1]))").repeats


def test_a_text_that_fits_breaks_nothing() -> None:
    verdict = ask('log("|", "disk full", 3)\n', "info")
    assert not verdict.breaks
    assert not verdict.repeats
    assert (verdict.is_exact, verdict.right_characters) == (None, None)


@pytest.mark.parametrize(
    ("shown", "is_exact", "characters", "breaks", "has_errors"),
    [
        ("1, 2)", True, 5, False, False),
        ("1, 2)\ny = 2", True, 5, False, False),
        ("1, 3)", False, 3, False, False),
        ("\n    1, 2)", False, 0, False, False),
        ("1, (2", False, 3, False, True),
        ("1, 2)\ny = (]\nw = )", True, 5, True, True),
    ],
)
def test_a_deleted_end_is_compared_with_what_was_there(
    shown: str, is_exact: bool, characters: int, breaks: bool, has_errors: bool
) -> None:
    verdict = ask("x = f(|\nz = 3\n", shown, Kind.DELETED_END, "1, 2)")
    assert verdict.errors_before == 1
    assert (verdict.is_exact, verdict.right_characters) == (is_exact, characters)
    assert (verdict.breaks, verdict.errors_after > 0) == (breaks, has_errors)
    assert verdict.is_refused == has_errors


def test_pythons_own_parser_refuses_what_tree_sitter_takes() -> None:
    verdict = ask("if a:\n    b()\n|  c()\n", "  ", Kind.INDENTATION)
    assert not verdict.breaks
    assert verdict.is_refused is None
    verdict = ask("x = |\nz = 3\n", "\n", Kind.DELETED_END, "1")
    assert not verdict.breaks
    assert verdict.is_refused


def build_row(**values: Any) -> dict[str, Any]:
    return {
        "side": "copilotd",
        "place": "a.py:1",
        "kind": Kind.BETWEEN_TOKENS,
        "trigger": "invoked",
        "language": "python",
        "behind": "b)",
        "gold": "",
        "shown": True,
        "status": "shown",
        "is_partial": False,
        "ms": 5.0,
        "errors_before": 0,
        "errors_after": 0,
        "repeats": False,
        "is_refused": None,
        "is_exact": None,
        "right_characters": None,
        **values,
    }


def test_the_table_counts_shown_texts_only() -> None:
    hidden = build_row(shown=False, status="empty", place="a.py:2")
    rows = [build_row(errors_after=1, repeats=True), hidden]
    assert render_table(rows).splitlines()[2] == (
        "| between tokens | all | 2 | 1 of 2 = 50 % | 0 | 1 of 1 = 100 % | - | - "
        "| 1 of 1 = 100 % | - | - | 0 | 5 / 5 |"
    )


def test_the_table_counts_what_does_not_parse_at_deleted_ends() -> None:
    deleted = {"kind": Kind.DELETED_END, "behind": "", "gold": "f(1)", "errors_before": 1}
    right = build_row(**deleted, is_exact=True, right_characters=4)
    wrong = build_row(**deleted, errors_after=1, is_exact=False, right_characters=1)
    assert render_table([right, wrong]).splitlines()[2] == (
        "| deleted end of a line | all | 2 | 2 of 2 = 100 % | 0 | 0 of 2 = 0 % | 1 of 2 = 50 % "
        "| - | - | 1 of 2 = 50 % | 5 of 8 | 0 | 5 / 5 |"
    )


def test_two_sides_are_compared_at_the_places_of_both() -> None:
    ours = [build_row(), build_row(place="only ours", errors_after=1)]
    theirs = [build_row(errors_after=1)]
    line = render_comparisons(ours, theirs).splitlines()[3]
    assert line.startswith(
        "| between tokens | +0.0 points (+0.0 to +0.0) | -100.0 points (-100.0 to -100.0)"
    )


def test_questions_change_language_and_trigger() -> None:
    endings = {"go": "go", "java": "java", "python": "py", "rust": "rs", "typescript": "ts"}
    broken = SourceFile("broken.py", "x = (\n")
    files = {
        language: [broken, SourceFile(f"a.{endings[language]}", text)]
        for language, text in SOURCES.items()
    }
    asked = [*islice(iterate_questions(files), 200)]
    assert {question.group for question in asked} == {*GROUPS}
    assert len({question.place.text for question in asked[:30]}) > 3
    assert [q.name for q in asked] == [q.name for q in islice(iterate_questions(files), 200)]


def test_a_kind_is_done_when_all_sides_have_shown_enough_or_enough_was_asked() -> None:
    question = next(iterate_questions({"python": [SourceFile("a.py", PYTHON)]}))
    tally = Tally(["copilotd", "baseline"], limit=1, most_places=2)
    row = build_row(kind=question.place.kind, trigger=question.trigger)
    tally.count_answer(row)
    assert tally.is_open(question)
    tally.count_answer(row | {"side": "baseline"})
    assert not tally.is_open(question)
    assert tally.progress == 1

    other = Tally(["copilotd"], limit=1, most_places=2)
    other.count_place(question)
    assert other.is_open(question)
    other.count_place(question)
    assert not other.is_open(question)
