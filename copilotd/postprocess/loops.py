"""Loops inside a line: one character, or a short piece, over and over."""

import re
from collections.abc import Iterator
from itertools import islice

from copilotd.postprocess.context import CursorContext

_LOOP = re.compile(r"(.{1,40}?)\1{7,}")
_MAX_RUN = 32
"""Longest run of one letter or digit, or of a few without a separator: the bits of a word."""
_NUMBER_COPIES = 10
"""Copies of numbers with separators that make a loop."""
_PHRASE = 48
"""Characters of a repeated phrase that make a loop."""
_DOTS = frozenset(".\u2026!?")
_MAX_DOTS = 12
_KEPT_DOTS = 3
_SEPARATOR_WIDTH = 80
"""Columns of the longest line of dashes, unless the file has a longer one."""
_REACH = 400
"""Characters before the cursor on its line that are searched."""
_NEAR = 100
"""Lines above the cursor that are searched for a line with the same loop."""
_LIST_END = re.compile(r"[\s,;|&+.:/-]*[,;|&+.:/-]\s*$")


def find_loop(context: CursorContext, lead: str, line: str, patience: float = 1.0) -> int | None:
    """How much of `line`, which follows `lead`, to keep if it runs into a loop; None if not.

    0 means that the whole line is a guess, such as a number with a hundred equal digits. With less
    `patience`, fewer copies make a loop.
    """
    lead = lead[-_REACH:]
    whole = lead + line
    for match in _LOOP.finditer(whole):
        if match.end() <= len(lead) + 1:
            continue
        end = _find_end(context, whole, match, len(lead), patience)
        if end is not None:
            return max(0, end - len(lead))
    return None


def _find_end(
    context: CursorContext, whole: str, loop: re.Match[str], cursor: int, patience: float
) -> int | None:
    """The place in `whole` where the text ends; None if the repetition has a purpose."""
    piece, length = loop[1], len(loop[0])
    if not any(map(str.isalnum, piece)):
        return _find_end_of_marks(context, whole, loop)
    if piece.isalnum() and (len(piece) <= 3 or piece.isdigit()):
        return cursor if length > _MAX_RUN * patience else None
    if any(map(str.isalpha, piece)):
        is_loop = length >= _PHRASE * patience
    else:
        is_loop = length // len(piece) >= _NUMBER_COPIES * patience
    if not is_loop or _has_similar_line(context, piece):
        return None
    end = loop.start() + len(piece)
    while not any(map(str.isalnum, whole[cursor:end])):
        end += len(piece)
    separator = _LIST_END.search(whole, cursor, end)
    return separator.start() if separator else end


def _find_end_of_marks(context: CursorContext, whole: str, loop: re.Match[str]) -> int | None:
    """Where a run of dots, dashes or the like ends: it may separate sections or columns."""
    if not loop[1].strip():
        return loop.start() if len(loop[0]) > _SEPARATOR_WIDTH else None
    if set(loop[1]) <= _DOTS:
        return loop.start() + _KEPT_DOTS if len(loop[0]) > _MAX_DOTS else None
    width = _find_width(context, loop[1])
    if loop.end() <= width:
        return None
    return max(loop.start(), width)


def _find_width(context: CursorContext, piece: str) -> int:
    """The columns of the nearest line with the same run; a usual width if there is none."""
    run = piece * 8
    similar = (len(line.rstrip()) for line in _near(context) if run in line)
    return next(similar, max(_SEPARATOR_WIDTH, len(context.line_above)))


def _has_similar_line(context: CursorContext, piece: str) -> bool:
    run = (piece * 8).rstrip()
    return any(run in line for line in _near(context))


def _near(context: CursorContext) -> Iterator[str]:
    return islice(reversed(context.lines_above), _NEAR)
