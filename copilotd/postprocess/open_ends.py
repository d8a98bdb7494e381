"""Completes a text that ends in the middle of brackets, strings, tags or blocks, for a parser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copilotd.postprocess.context import CursorContext
from copilotd.syntax.languages import MARKUP
from copilotd.syntax.lines import split_lines
from copilotd.syntax.nesting import scan_nesting, walk_nesting
from copilotd.syntax.statements import (
    closes_word_block,
    is_unfinished,
    opens_body,
    opens_word_block,
    word_that_closes,
)

_SEMICOLONS = frozenset("c cpp csharp css java php rust".split())
"""A statement ends with a semicolon."""

_MAX_TAILS = 8
"""Each one costs a parse."""

_WITH_TAGS = MARKUP | {"javascriptreact", "typescriptreact"}
_VALUES_ONLY = frozenset({"json", "jsonc", "toml"})
_PAIRS = {"css": ": x;", "json": ": 0,", "jsonc": ": 0,", "toml": " = 0"}
"""What follows the name of a property."""
_BRACKETS = frozenset({")", "]", "}"})
_TAG = re.compile(r"(?<![\w<])<(/?)([A-Za-z][\w.:-]*|(?=>))((?:=>|[^<>])*)(>?)")
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_TRY = re.compile(r"\btry\b(?!.*\b(?:catch|finally|except)\b)", re.S)
_DO = re.compile(r"\bdo\s*\{$")
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(if|endif)", re.M)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the text opens at `start` and does not close."""

    start: int
    closer: str


def complete_end(context: CursorContext, text: str, *, unfinished: bool) -> list[str]:
    """Texts that complete the end of `text`, the likely ones first.

    If code follows the cursor on its line, only an `unfinished` text has an end to complete.
    """
    rest = context.line_after.strip()
    if rest.strip(")]}>\"'`;, ") and not unfinished:
        return [""]
    closers = close_text(context, text)
    completed = [closers, *_fill(context, text, closers, unfinished)]
    # Without the closers, the rest of the document would be parsed as a part of the text.
    tails = [closers, "", *completed]
    if not rest and not _is_after_statement(context, text):
        outer = "" if "\n" in text else close_line(context)
        tails += [tail + outer + end for tail in completed for end in _ends(context, text)]
    return list(dict.fromkeys(tails))[:_MAX_TAILS]


def place_holder(context: CursorContext) -> str:
    """A text that may stand for any value."""
    return "0" if context.language in _VALUES_ONLY else "x"


def close_line(context: CursorContext) -> str:
    """The closers of the brackets and quotes that are open on the cursor's line, before it."""
    due = scan_nesting((), context.line_before, context.language).due
    return "".join(reversed(due)).rstrip("\n")


def _is_after_statement(context: CursorContext, text: str) -> bool:
    """Whether the text would be a second statement on a line."""
    return "\n" not in text and context.line_before.rstrip().endswith((";", ",", "}"))


def _fill(context: CursorContext, text: str, closers: str, unfinished: bool) -> Iterator[str]:
    """Ends with a value or a body where one is missing."""
    language = context.language
    last = (context.line_before + text).rstrip().rpartition("\n")[2]
    if opens_body(last, language):
        yield (" {};" if language in ("c", "cpp") else " {}") + closers
    if unfinished or is_unfinished(last, language):
        yield place_holder(context) + closers
    if unfinished and language in _PAIRS:
        yield _PAIRS[language] + closers
    if language in _SEMICOLONS and "}" in closers:
        yield closers.replace("}", ";}")


def _ends(context: CursorContext, text: str) -> Iterator[str]:
    """What may still follow a text whose brackets are closed."""
    yield ";" if context.language in _SEMICOLONS else ""
    due = context.nesting.due
    if due and due[-1] in _BRACKETS:
        yield ","
    if _TRY.search(text):
        yield " finally {}"
    directives = _DIRECTIVE.findall(text)
    if context.language in ("c", "cpp") and directives.count("if") > directives.count("endif"):
        yield "\n#endif\n"


def close_text(context: CursorContext, text: str) -> str:
    """The closers of everything that the text opens and does not close."""
    opened = [*_find_brackets(context, text), *_find_words(context, text)]
    if context.language in _WITH_TAGS:
        opened += _find_tags(text)
    opened.sort(key=lambda each: each.start)
    return "".join(each.closer for each in reversed(opened))


def _find_brackets(context: CursorContext, text: str) -> list[_Opened]:
    due = context.nesting.due
    outer, starts = len(due), [-1] * len(due)
    for end, after in walk_nesting(due, text, context.language):
        due = after
        outer = min(outer, len(due))
        starts = [*starts[: len(due)], *[end] * (len(due) - len(starts))]
    pairs = zip(starts[outer:], due[outer:], strict=True)
    return [_Opened(start, _closer(text[:start], closer)) for start, closer in pairs]


def _closer(opening: str, closer: str) -> str:
    return "} while (x)" if closer == "}" and _DO.search(opening) else closer


def _find_words(context: CursorContext, text: str) -> list[_Opened]:
    """The blocks that end with a word such as `end`."""
    language, opened = context.language, list[_Opened]()
    for line in split_lines(text, context.line_before):
        if closes_word_block(line.text, language) and opened:
            opened.pop()
        elif opens_word_block(line.text, language):
            opened.append(_Opened(line.start, f"\n{word_that_closes(line.text, language)}\n"))
    return opened


def _find_tags(text: str) -> list[_Opened]:
    opened: list[_Opened] = []
    names: list[str] = []
    for tag in _TAG.finditer(text):
        name, closes = tag[2], bool(tag[1])
        if closes and name in names:
            at = len(names) - 1 - names[::-1].index(name)
            del names[at:], opened[at:]
        elif not closes and not tag[3].endswith("/") and name.lower() not in _VOID:
            names.append(name)
            opened.append(_Opened(tag.start(), f"{'' if tag[4] else '>'}</{name}>"))
    return opened
