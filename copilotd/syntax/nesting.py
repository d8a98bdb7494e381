"""The open brackets, strings and comments at a place, found without a parser.

The scan is tolerant, so that it works for every language: an unclosed string ends with its line, a
closer without an opener is only reported, and brackets inside a string count until the string ends,
because editors auto-close them too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copilotd.syntax.languages import (
    BACKTICK_STRINGS,
    CHARACTER_QUOTES,
    DASH_COMMENTS,
    HASH_COMMENTS,
    MARKUP,
    PROSE,
    SLASHES_ARE_NO_COMMENT,
)

_CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = frozenset(_CLOSER_OF.values())
_ENDS_OF_REGIONS = frozenset({'"', "'", "`", '"""', "'''", "\n", "*/"})
_ENDS_WITH_THE_LINE = frozenset({'"', "'", "\n"})


@dataclass(frozen=True, slots=True)
class Nesting:
    """The closers that are still `due`, outermost first, and the `extra` ones, in order.

    A due closer is a bracket, a quote, the `*/` of a comment, or the newline that ends one. Extra
    are closing brackets without an opener, and quotes that are not closed on their line.
    """

    due: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def in_region(self) -> bool:
        """Whether the place is inside a string or a comment."""
        return not _ENDS_OF_REGIONS.isdisjoint(self.due)


def scan_nesting(due: tuple[str, ...], text: str, language: str) -> Nesting:
    """The nesting after `text`, if `due` is open before it."""
    stack = list(due)
    extra: list[str] = []
    for token in _tokens(language).findall(text):
        _advance(stack, extra, token)
    return Nesting(tuple(stack), tuple(extra))


def walk_nesting(
    due: tuple[str, ...], text: str, language: str
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The closers that are due after each bracket, quote and comment mark, with its end offset."""
    stack = list(due)
    for match in _tokens(language).finditer(text):
        _advance(stack, [], match[0])
        yield match.end(), tuple(stack)


def _advance(stack: list[str], extra: list[str], token: str) -> None:
    if token == "\n":
        _end_line(stack, extra)
    elif _region(stack) is not None:
        _inside(stack, extra, token)
    else:
        _outside(stack, extra, token)


def _end_line(stack: list[str], extra: list[str]) -> None:
    for index, end in enumerate(stack):
        if end in _ENDS_WITH_THE_LINE:
            extra.extend(end.strip())
            del stack[index:]
            return


def _inside(stack: list[str], extra: list[str], token: str) -> None:
    start = _region(stack)
    if start is not None and token == stack[start]:
        del stack[start:]
    elif token in _CLOSER_OF:
        stack.append(_CLOSER_OF[token])
    else:
        _close(stack, extra, token)


def _outside(stack: list[str], extra: list[str], token: str) -> None:
    if token in _CLOSER_OF:
        stack.append(_CLOSER_OF[token])
    elif token in _CLOSERS:
        _close(stack, extra, token)
    elif token == "/*":
        stack.append("*/")
    elif token in ("//", "#", "--"):
        stack.append("\n")
    elif token in _ENDS_OF_REGIONS and token != "*/":
        stack.append(token)


def _close(stack: list[str], extra: list[str], token: str) -> None:
    if stack and stack[-1] == token:
        stack.pop()
    elif token in _CLOSERS:
        extra.append(token)


def _region(stack: list[str]) -> int | None:
    """The index in `stack` of the innermost string or comment."""
    for index in range(len(stack) - 1, -1, -1):
        if stack[index] in _ENDS_OF_REGIONS:
            return index
    return None


def _tokens(language: str) -> re.Pattern[str]:
    parts = [r"\\[^\n]"]
    if language in CHARACTER_QUOTES:
        parts.append(r"'(?:\\[^'\n]*|[^'\\\n])'")
    parts += ['"""', '"']
    if language not in CHARACTER_QUOTES | MARKUP | PROSE:
        parts += ["'''", "'"]
    if language in BACKTICK_STRINGS:
        parts.append("`")
    return re.compile("|".join([*parts, *_comments(language), r"[()\[\]{}\n]"]))


def _comments(language: str) -> list[str]:
    if language in HASH_COMMENTS:
        return ["#"]
    if language in DASH_COMMENTS:
        return ["--"]
    if language in MARKUP | PROSE or not language:
        return []
    block = [r"/\*", r"\*/"]
    return block if language in SLASHES_ARE_NO_COMMENT else ["//", *block]
