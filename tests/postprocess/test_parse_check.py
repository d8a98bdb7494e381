"""The work of the parse check is bounded, and it keeps a beginning of the text."""

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilotd.documents import Document
from copilotd.postprocess.context import Candidate, CursorContext, Mode
from copilotd.postprocess.filters import parse_check
from copilotd.syntax.tree import SyntaxTree
from tests.postprocess.test_properties import TEXTS

LANGUAGES = ("cpp", "html", "json", "lua", "php", "python", "shellscript", "typescriptreact")


def build_context(marked: str, language: str = "python") -> CursorContext:
    text = marked.replace("║", "")
    document = Document("file:///a", text, language)
    tree = SyntaxTree.parse(text, language)
    return CursorContext(document, marked.index("║"), Mode.LINE, max_lines=8, tree=tree)


@given(TEXTS, TEXTS, TEXTS, st.sampled_from(LANGUAGES), st.booleans())
@settings(max_examples=300, deadline=None, database=None)
def test_it_keeps_a_beginning_of_the_text(
    before: str, after: str, text: str, language: str, unfinished: bool
) -> None:
    context = build_context(f"{before}║{after}", language)
    kept = parse_check.apply(context, Candidate(text, unfinished=unfinished))
    assert text.startswith(kept.text)


@pytest.mark.parametrize("unfinished", [False, True])
def test_it_parses_a_bounded_number_of_times(unfinished: bool) -> None:
    context = build_context("x = 1\n║\ny = 2\n")
    text = "\n".join(f"a b{number} ) ( ]" for number in range(50))
    with patch.object(SyntaxTree, "replace", autospec=True, side_effect=SyntaxTree.replace) as call:
        parse_check.apply(context, Candidate(text, unfinished=unfinished))
    assert call.call_count <= parse_check._MAX_PARSES + parse_check._MAX_STAND_INS


def test_a_text_that_parses_is_parsed_once() -> None:
    context = build_context("x = ║\n")
    with patch.object(SyntaxTree, "replace", autospec=True, side_effect=SyntaxTree.replace) as call:
        parse_check.apply(context, Candidate("f(1)"))
    assert call.call_count == 1


def test_a_document_without_a_tree_keeps_every_text() -> None:
    context = build_context("x = ║\n", "klingon")
    candidate = Candidate("1 2 3 ) ) )")
    assert parse_check.apply(context, candidate) is candidate


def test_a_text_stays_whole_if_there_is_no_time_to_judge_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parse_check, "_MAX_S", -1.0)
    assert parse_check.apply(build_context("x = ║\n"), Candidate("1 2")).text == "1 2"


def test_the_replaced_code_after_the_cursor_is_not_counted() -> None:
    context = build_context("print(║)\n")
    candidate = Candidate('"a")', overwrites=1)
    assert parse_check.apply(context, candidate) is candidate
    assert parse_check.apply(context, Candidate('"a")')).text == '"a"'


@pytest.mark.parametrize(
    ("language", "marked", "text"),
    [
        ("python", "║", "try:\n    f()"),
        ("python", "║", "class A:\n    def f(self):"),
        ("python", "if ║\n", "x > 0:"),
        ("javascript", "║", "try {\n  f();"),
        ("java", "class A { void f() {\n║\n} }", "try {\n  g();\n}"),
        ("javascript", "║", "do {\n  f();"),
        ("javascript", "f(║\n", "(a, b) => {"),
        ("typescriptreact", "const a = ║", "<ul>\n  <li>"),
        ("html", "<body>\n║\n</body>", "<ul>\n  <li>one"),
        ("cpp", "║", "#ifdef A\nint a;"),
        ("rust", "fn f() {\n    ║\n}", "if let Some(x) = a {"),
        ("ruby", "║", "def f(a)\n  if a"),
        ("lua", "║", "for i = 1, 2 do\n  f(i"),
        ("shellscript", "║", 'for f in *; do\n  if [ -f "$f" ]; then'),
        ("go", "package a\n\n║", "func f(a int) {\n\tif a > 1 {"),
        ("php", "<?php\n║", "if ($a) {\n    f($a"),
        ("css", "a {\n  ║\n}", "color: red"),
        ("json", '{\n  "a": [║\n}', "1, 2"),
    ],
)
def test_what_the_text_leaves_open_at_its_end_is_no_error(
    language: str, marked: str, text: str
) -> None:
    context = build_context(marked, language)
    assert parse_check.apply(context, Candidate(text)).text == text
