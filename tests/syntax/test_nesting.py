import pytest

from copilotd.syntax.nesting import Nesting, scan_nesting


@pytest.mark.parametrize(
    ("language", "text", "due"),
    [
        ("python", "f(a, [b", (")", "]")),
        ("python", "f(a, [b])", ()),
        ("python", 'print("a (', (")", '"', ")")),
        ("python", 'print("a (b', (")", '"', ")")),
        ("python", 'print("a (")', ()),
        ("python", "x = 1  # it's (", ("\n", ")")),
        ("python", "x = 1  # it's (\n", ()),
        ("python", '"""Doubles.\n\nIt\'s (', ('"""', ")")),
        ("python", r'"a \" b', ('"',)),
        ("javascript", "f(`a\n", (")", "`")),
        ("javascript", "/* it's\n", ("*/",)),
        ("javascript", "// it's\n{", ("}",)),
        ("rust", "fn f<'a>(x: &'a str", (")",)),
        ("rust", "let c = '('; f(", (")",)),
        ("c", "char c = '\\''; f(", (")",)),
        ("lua", "-- it's (\nf(", (")",)),
        ("css", "a { background: url(//x", ("}", ")")),
        ("html", "<p>it's (", (")",)),
        ("", "(", (")",)),
    ],
)
def test_each_open_bracket_or_quote_has_its_closer_due(
    language: str, text: str, due: tuple[str, ...]
) -> None:
    assert scan_nesting((), text, language).due == due


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        ("a)", (")",)),
        ("a)]}", (")", "]", "}")),
        ("(]", ("]",)),
        ('"a\nb', ('"',)),
        ("a # )", (")",)),
    ],
)
def test_a_closer_without_an_opener_is_extra(text: str, extra: tuple[str, ...]) -> None:
    assert scan_nesting((), text, "python").extra == extra


def test_a_text_may_close_what_was_open_before_it() -> None:
    assert scan_nesting(("}", ")", '"'), 'a")', "javascript") == Nesting(due=("}",))


@pytest.mark.parametrize(
    ("text", "inside"),
    [('f("', True), ("f(", False), ("# a", True), ("/* a", False), ('"""a\n', True)],
)
def test_strings_and_comments_are_regions_without_nesting(text: str, inside: bool) -> None:
    assert scan_nesting((), text, "python").in_region is inside
