"""Small models fall into loops: the same line, block or phrase over and over."""

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.postprocess.loops import find_loop
from copilotd.syntax.lines import begins_with_closer, is_trivial, split_lines

_COPIES = {1: 3, 2: 3, 3: 2, 4: 2}
"""Lines of a block: how many copies in a row make a loop."""
_TRIVIAL_COPIES = 6
"""Copies of a line without content that make a loop, such as a row of zeros."""
_SHORT_COPIES, _SHORT = 4, 3
"""The same for a line of at most `_SHORT` characters, such as `0,`."""
_NEAR = 20
"""Lines above the cursor; a row that is there already may be repeated."""

_HASTE = 0.35
"""Share of the copies that make a loop at the end of an unfinished text."""


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the first copy of the repeated text; nothing of a long run of one character."""
    found = (_find_repeated_lines(context, text), _find_repeated_piece(context, text))
    return min((keep for keep in found if keep is not None), default=None)


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Drop a loop that the token limit ended before it was long."""
    if not candidate.unfinished:
        return candidate
    keep = _find_repeated_piece(context, candidate.text, _HASTE)
    return candidate if keep is None else candidate.with_text(candidate.text[:keep])


def _find_repeated_lines(context: CursorContext, text: str) -> int | None:
    lines = [line for line in split_lines(text, context.line_before) if line.complete]
    texts = [line.text.rstrip() for line in lines]
    for first in range(len(lines)):
        for size in _COPIES:
            block = texts[first : first + size]
            copies = _count_needed(context, block)
            if copies and texts[first : first + size * copies] == block * copies:
                return lines[first + size - 1].cut_after
    return None


def _count_needed(context: CursorContext, block: list[str]) -> int:
    """How many copies of the block make a loop; 0 if it may be repeated without end."""
    if len(block) > 1 and len(set(block)) == 1:
        # A block of equal lines is found at size one, with the count for that size.
        return 0
    if not all(map(is_trivial, block)):
        return _COPIES[len(block)]
    if any(begins_with_closer(line, context.language) for line in block):
        return 0
    if block[0] in context.lines_above[-_NEAR:]:
        return 0
    short = all(len(line.strip()) <= _SHORT for line in block)
    return _SHORT_COPIES if short else _TRIVIAL_COPIES


def _find_repeated_piece(context: CursorContext, text: str, patience: float = 1.0) -> int | None:
    start = text.rfind("\n", 0, len(text) - 1) + 1
    lead = context.line_before if start == 0 else ""
    keep = find_loop(context, lead, text[start:].rstrip("\n"), patience)
    if keep is None:
        return None
    # The line before a line that is dropped ends without its line end.
    return start + keep if keep else max(0, start - 1)
