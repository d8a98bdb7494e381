"""Syntax trees: errors, offsets, edits, limits."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilotd.syntax import grammars
from copilotd.syntax.grammars import find_grammar
from copilotd.syntax.tree import MAX_ERRORS, SyntaxTree

SOURCES = {
    "go": "package a\n\nfunc f(a int) int {\n\tif a > 1 {\n\t\treturn g(a, 2)\n\t}\n\treturn 1\n}",
    "python": 'def f(a):\n    """Add."""\n    for x in a:\n        print(x, "b")\n    return [a]\n',
    "typescript": "class A {\n  f(a: string): number {\n    return `b${a}`.length;\n  }\n}\n",
}
FRAGMENTS = (
    *("x", "f", "(", ")", "[", "]", "{", "}", '"', "'", "`", "#", "//", "/*", ":", ";", ",", "="),
    *("\n", "\r\n", "    ", "\t", "if ", "return ", "é", "\U0001f388", "\ud800", "\x00"),
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=6).map("".join)


def parse(text: str, language: str = "python") -> SyntaxTree:
    tree = SyntaxTree.parse(text, language)
    assert tree is not None
    return tree


def test_a_text_that_parses_has_no_errors() -> None:
    assert [parse(text, name).error_count for name, text in SOURCES.items()] == [0, 0, 0]


@pytest.mark.parametrize("text", ["x = (1, 2\ny = 3\n", "x = 1 2\n", "if x\n    y\n", "f(a))\n"])
def test_what_does_not_fit_and_what_is_missing_are_errors(text: str) -> None:
    assert parse(text).error_count > 0


def test_more_mistakes_are_more_errors() -> None:
    one, two = parse("x = 1 2\ny = 3\n"), parse("x = 1 2\ny = 3 4\n")
    assert two.error_count > one.error_count


def test_an_edit_gives_a_new_tree_and_leaves_the_old_one() -> None:
    before = parse("x = (1)\n")
    after = before.replace(6, 7, "")
    assert (before.text, before.error_count) == ("x = (1)\n", 0)
    assert after.text == "x = (1\n"
    assert after.error_count == 1


@pytest.mark.parametrize("lead", ["", "é", "大", "\U0001f388", "\ud800", "a\r\n", "a\n\n"])
def test_offsets_are_code_points(lead: str) -> None:
    text = f'y = """{lead}"""\nx = f("a")\n'
    tree = parse(text)
    assert tree.kind_at(text.index("f(")) == "identifier"
    assert tree.kind_at(text.index('"a"') + 1) == "string_content"
    edited = tree.replace(text.index('"a"'), text.index('"a"') + 3, "é + 1")
    assert edited.text == f'y = """{lead}"""\nx = f(é + 1)\n'
    assert edited.error_count == 0


@pytest.mark.parametrize("offset", [-1, 0, 3, 4, 100])
def test_an_offset_beyond_the_text_is_its_end(offset: int) -> None:
    assert parse("x=1").kind_at(offset)
    assert parse("").kind_at(offset) == "module"
    assert parse("x=1").replace(offset, offset - 1, "2").text.count("2") == 1


@given(st.sampled_from(sorted(SOURCES)), TEXTS, st.data())
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_an_edited_tree_has_the_errors_of_a_new_one(
    language: str, inserted: str, data: st.DataObject
) -> None:
    tree = parse(SOURCES[language], language)
    for _ in range(2):
        start = data.draw(st.integers(0, len(tree.text)))
        end = min(len(tree.text), start + data.draw(st.integers(0, 8)))
        tree = tree.replace(start, end, inserted)
        assert tree.error_count == parse(tree.text, language).error_count


def test_edits_that_are_undone_give_the_first_tree_again() -> None:
    text = SOURCES["typescript"]
    tree = parse(text, "typescript")
    for offset in range(0, len(text), 7):
        broken = tree.replace(offset, offset, "{ ( `")
        assert broken.error_count > 0
        tree = broken.replace(offset, offset + 5, "")
    assert (tree.text, tree.error_count) == (text, 0)


@pytest.mark.parametrize(
    "text",
    ["x = 1; " * 150_000, "(" * 1_000, "f(\n" * 1_000, "a < b < " * 500, "x = 1\n" * 100_000],
)
@pytest.mark.parametrize("language", ["python", "rust", "csharp", "javascript"])
def test_a_text_that_a_grammar_may_hang_on_is_not_parsed(text: str, language: str) -> None:
    assert SyntaxTree.parse(text, language) is None


@pytest.mark.parametrize("inserted", ["x" * 2_000, "(" * 1_000, "f(\n" * 1_000, "x\n" * 200_000])
def test_an_edit_that_a_grammar_may_hang_on_gives_a_tree_with_many_errors(inserted: str) -> None:
    tree = parse("x = 1\n").replace(4, 5, inserted)
    assert not tree.complete
    assert tree.error_count == MAX_ERRORS
    assert tree.kind_at(0) == ""
    assert tree.replace(4, 5, "2").error_count == MAX_ERRORS


def test_errors_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilotd.syntax.tree.MAX_ERRORS", 5)
    assert parse("x = 1 2\n" * 20).error_count == 5


@pytest.mark.parametrize("language", ["", "klingon", "markdown", "plaintext", "sql", "yaml"])
def test_a_language_without_a_grammar_has_no_tree(language: str) -> None:
    assert find_grammar(language) is None
    assert SyntaxTree.parse("x = 1\n", language) is None


@pytest.mark.parametrize("language", sorted(grammars._GRAMMARS))
def test_each_grammar_of_the_table_is_installed(language: str) -> None:
    assert find_grammar(language) is not None
    assert SyntaxTree.parse("", language) is not None


def test_a_grammar_that_cannot_be_loaded_is_no_grammar(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    find_grammar.cache_clear()
    monkeypatch.setitem(sys.modules, "tree_sitter_go", None)
    assert find_grammar("go") is None
    assert "The grammar of go cannot be loaded" in caplog.text
    find_grammar.cache_clear()
