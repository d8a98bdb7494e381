"""Lines of code: where they start, how they are indented, whether they are trivial."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from copilotd.syntax.languages import END_WORDS

TAB = 4
"""Columns that a tab counts for when indentations are compared."""

_WEIGHTLESS = frozenset(
    "begin break catch continue default do done else end endif ensure esac fi finally loop pass "
    "return then try".split()
)
_LONE_CR = re.compile(r"\r(?!\n)")
_CLOSING_TAG = re.compile(r"</[\w:.-]*>")
_OPENS = re.compile(r"([:{(\[]|=>|->|\b(then|do|else|begin))\s*((#|//|--).*)?$")

_OPENS_UNTIL_END = re.compile(
    r"(?!.*\bend\b)(?:\s*(?:(?:local|export|private|public)\s+)*"
    r"(?:begin|case|class|def|defmodule|for|function|if|loop|macro|module|repeat|struct|unless|until"
    r"|while)\b|.*(?:\bfunction\s*\([^()]*\)|\bdo(?:\s*\|[^|]*\|)?)\s*$)"
)
"""A block that the word `end` closes."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text: it starts at `start`, and is `complete` if its line end is there."""

    start: int
    text: str
    complete: bool

    @property
    def cut_before(self) -> int:
        """The length of the text before this line."""
        return max(self.start - 1, 0)

    @property
    def cut_after(self) -> int:
        """The length of the text up to the end of this line."""
        return self.start + len(self.text)


def unify_line_ends(text: str) -> str:
    """The same text with a line feed for each CR that no line feed follows; offsets stay."""
    if text.count("\r") == text.count("\r\n"):
        return text
    return _LONE_CR.sub("\n", text)


def split_lines(text: str, lead: str = "") -> list[Line]:
    """The lines of `text` that are not blank; `lead` is the text before it on the first line."""
    found: list[Line] = []
    start = 0
    parts = unify_line_ends(text).split("\n")
    for number, part in enumerate(parts):
        whole = (lead + part if number == 0 else part).rstrip("\r")
        if whole.strip():
            # If there is a lead, a cut is made at the start of the text.
            shown = Line(start - (len(lead) if number == 0 else 0), whole, number < len(parts) - 1)
            found.append(shown)
        start += len(part) + 1
    return found


def indentation(line: str) -> str:
    """The white space at the start of a line."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def indent_width(line: str) -> int:
    """The columns of a line's indentation."""
    return len(indentation(line).expandtabs(TAB))


def opens_block(line: str, language: str = "") -> bool:
    """Whether the line opens a block; without a language, by its end alone."""
    if _OPENS.search(line):
        return True
    return "end" in END_WORDS.get(language, ()) and bool(_OPENS_UNTIL_END.match(line))


def begins_with_closer(line: str, language: str) -> bool:
    """Whether the line begins with a closer of a block: a bracket, a closing tag, `end`."""
    start = line.strip()
    if start[:1] in (")", "]", "}") or _CLOSING_TAG.match(start):
        return True
    word = re.match(r"\w+", start)
    return word is not None and word[0] in END_WORDS.get(language, ())


def may_become_closer(line: str, language: str) -> bool:
    """Whether the unfinished line may still begin with a closer of a block."""
    start = line.strip()
    if start[:1] == "<" or begins_with_closer(line, language):
        return True
    return any(word.startswith(start) for word in END_WORDS.get(language, ()))


def is_trivial(line: str) -> bool:
    """Whether the line is so common that two equal ones mean nothing."""
    words = re.findall(r"\b[^\W\d]\w*", _CLOSING_TAG.sub("", line))
    return all(word in _WEIGHTLESS for word in words)


def indentation_step(lines: Iterable[str], default: int, language: str = "") -> int:
    """The columns that a block is indented by, relative to the line that opens it.

    `default` is the result if none of the lines opens a block.
    """
    code = [line for line in lines if line.strip()]
    steps = Counter(
        indent_width(line) - indent_width(opener)
        for opener, line in pairwise(code)
        if opens_block(opener, language)
    )
    likely = [(count, step) for step, count in steps.items() if 2 <= step <= 8]
    return max(likely)[1] if likely else default
