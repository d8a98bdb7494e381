"""Small models fall into loops: the same line, block or phrase over and over."""

import re

from copilotd.postprocess.context import CursorContext
from copilotd.syntax.lines import is_trivial, split_lines

_COPIES = {1: 3, 2: 3, 3: 2, 4: 2}
"""Lines of a block: how many copies in a row make a loop."""

_PHRASE = re.compile(r"([^\n]{3,40}?)\1{7,}")
_LONG = 48
"""Shortest line, in characters, that is searched for a repeated phrase."""


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the first copy of the repeated text."""
    found = (_find_repeated_lines(context, text), _find_repeated_phrase(text))
    return min((keep for keep in found if keep is not None), default=None)


def _find_repeated_lines(context: CursorContext, text: str) -> int | None:
    lines = [line for line in split_lines(text, context.line_before) if line.complete]
    texts = [line.text.rstrip() for line in lines]
    for first in range(len(lines)):
        for size, copies in _COPIES.items():
            block = texts[first : first + size]
            if texts[first : first + size * copies] == block * copies and not _is_weak(block):
                return lines[first + size - 1].cut_after
    return None


def _is_weak(block: list[str]) -> bool:
    # A block of equal lines is found at size one, with the count for that size.
    return all(map(is_trivial, block)) or (len(block) > 1 and len(set(block)) == 1)


def _find_repeated_phrase(text: str) -> int | None:
    last = text.rfind("\n", 0, len(text) - 1) + 1
    if len(text) - last < _LONG:
        return None
    loop = _PHRASE.search(text, last)
    if loop is None or len(loop[0]) < _LONG or not any(c.isalpha() for c in loop[1]):
        return None
    return loop.end(1)
