"""The kinds of places, and the places of a kind in a file."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise

from benchmarks.cursor_places.grammar import Leaf, ParsedFile

_LEAST_WORD = 3
"""The length of a name that has places inside."""
_WORD = re.compile(r"\w")
_QUOTES = "\"'`"


class Kind(StrEnum):
    """Where a place is on its line."""

    STATEMENT_END = "end of a statement"
    BETWEEN_TOKENS = "between tokens"
    INSIDE_WORD = "inside a word"
    INSIDE_STRING = "inside a string"
    INDENTATION = "before the indentation ends"
    DELETED_END = "deleted end of a line"


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor in `text`; `gold` was deleted there, up to the line's end, or nothing was."""

    kind: Kind
    text: str
    offset: int
    gold: str = ""

    @property
    def behind(self) -> str:
        """The text after the cursor on its line."""
        return self.text[self.offset :].partition("\n")[0]

    @property
    def whole(self) -> str:
        """The file before the deletion."""
        return self.text[: self.offset] + self.gold + self.text[self.offset :]


def draw_place(kind: Kind, file: ParsedFile, seed: str) -> Place | None:
    """A random place of `kind`, the same for the same `seed`; None if the file has none."""
    offsets = sorted(set(_FINDERS[kind](file)))
    if not offsets:
        return None
    offset = random.Random(seed).choice(offsets)
    if kind is not Kind.DELETED_END:
        return Place(kind, file.text, offset)
    end = _find_line_end(file.text, offset)
    gold = file.text[offset:end].rstrip()
    return Place(kind, file.text[:offset] + file.text[end:], offset, gold)


def _find_statement_ends(file: ParsedFile) -> Iterator[int]:
    yield from file.statement_ends


def _find_between_tokens(file: ParsedFile) -> Iterator[int]:
    for line in _iterate_lines(file):
        for left, right in pairwise(line):
            yield from (left.end, right.start)


def _find_inside_words(file: ParsedFile) -> Iterator[int]:
    for leaf in file.leaves:
        if leaf.is_name and leaf.end - leaf.start >= _LEAST_WORD:
            yield from range(leaf.start + 1, leaf.end)


def _find_inside_strings(file: ParsedFile) -> Iterator[int]:
    """Places inside strings of one line without braces, with something behind the string."""
    for leaf in file.leaves:
        literal = file.text[leaf.start : leaf.end]
        quote = next((at for at, letter in enumerate(literal) if letter in _QUOTES), None)
        behind = file.text[leaf.end : _find_line_end(file.text, leaf.end)]
        is_plain = "\n" not in literal and "{" not in literal and '"""' not in literal
        if leaf.is_string and quote is not None and is_plain and behind.strip():
            yield from range(leaf.start + quote + 1, leaf.end)


def _find_in_indentation(file: ParsedFile) -> Iterator[int]:
    for line in _iterate_lines(file):
        start = file.text.rfind("\n", 0, line[0].start) + 1
        if not file.text[start : line[0].start].strip() and not line[0].is_string:
            yield from range(start, line[0].start)


def _find_deletable_ends(file: ParsedFile) -> Iterator[int]:
    for line in _iterate_lines(file):
        last = file.text[line[-1].end : _find_line_end(file.text, line[-1].end)]
        if last.strip():  # A comment.
            continue
        for left, right in pairwise(line):
            if _WORD.search(file.text[right.start : line[-1].end]):
                yield from (left.end, right.start)


def _iterate_lines(file: ParsedFile) -> Iterator[list[Leaf]]:
    """The tokens and strings of each line, without lines that a longer leaf covers in part."""
    whole = [leaf for leaf in file.leaves if "\n" not in file.text[leaf.start : leaf.end].strip()]
    long = [leaf for leaf in file.leaves if "\n" in file.text[leaf.start : leaf.end].strip()]
    edges = {file.text.rfind("\n", 0, at) for leaf in long for at in (leaf.start, leaf.end)}
    for start, leaves in groupby(whole, lambda leaf: file.text.rfind("\n", 0, leaf.start)):
        line = [leaf for leaf in leaves if not leaf.is_comment]
        if line and start not in edges:
            yield line


def _find_line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


_FINDERS: dict[Kind, Callable[[ParsedFile], Iterator[int]]] = {
    Kind.STATEMENT_END: _find_statement_ends,
    Kind.BETWEEN_TOKENS: _find_between_tokens,
    Kind.INSIDE_WORD: _find_inside_words,
    Kind.INSIDE_STRING: _find_inside_strings,
    Kind.INDENTATION: _find_in_indentation,
    Kind.DELETED_END: _find_deletable_ends,
}
