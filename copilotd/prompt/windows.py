"""The fixed windows of a document: the places where prompts begin.

If every prompt for a cursor began a certain distance above it, a jump would need a whole new
prompt. So a prompt begins at the start of a window instead, and the windows depend on the text
alone. A window that is in the KV cache then holds the beginning of the prompt for each cursor in
it, and a jump costs only the text after the cursor. Consecutive windows overlap, so that a cursor
near the start of one still has some text above it.

A window starts at a line that is chosen by its own text, as in content-defined chunking
(Muthitacharoen et al. 2001, "A Low-bandwidth Network File System"). An edit moves the starts near
it, and no others.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

_STEP = 1.2
"""Average distance of two starts, in units of the size that a prefix should have."""
_TOLERANCE = 0.2
"""A start may be this share of a step away from its regular place. More would make windows longer,
less would let an edit move more starts."""
_OVERLAP = 0.45
"""Smallest prefix of a cursor that is not near the top of the file, in the same units. Reading all
windows costs (_STEP + _OVERLAP) / _STEP times the tokens of the text."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part `text[start:end]` of a document."""

    start: int
    end: int


@lru_cache(maxsize=8)
def find_windows(text: str, size: int) -> tuple[Window, ...]:
    """The windows of `text`, whose prefixes should have about `size` characters."""
    overlap = int(size * _OVERLAP)
    starts = [0]
    while (start := _next_start(text, starts[-1], size, overlap)) is not None:
        starts.append(start)
    ends = [start + overlap for start in starts[1:]] + [len(text)]
    return tuple(map(Window, starts, ends))


def window_at(text: str, anchor: int, size: int) -> Window:
    """The window whose beginning is the prefix of a prompt that is anchored at `anchor`."""
    windows = find_windows(text, size)
    index = bisect_right(windows, anchor - int(size * _OVERLAP), key=lambda window: window.start)
    return windows[max(0, index - 1)]


def keeps_start(text: str, start: int, anchor: int, size: int) -> bool:
    """Whether a prompt may still begin at `start`, where no window starts since an edit."""
    if any(window.start == start for window in find_windows(text, size)):
        return False
    longest = int(size * (_STEP * (1 + _TOLERANCE) + _OVERLAP))
    return int(size * _OVERLAP) <= anchor - start < longest


def _next_start(text: str, start: int, size: int, overlap: int) -> int | None:
    """The start of the next window; None if the rest of the text belongs to this one."""
    first = start + max(1, int(size * _STEP * (1 - _TOLERANCE)))
    last = start + max(1, int(size * _STEP * (1 + _TOLERANCE)))
    if len(text) <= last + overlap:
        return None
    starts = _line_starts(text, first, last)
    return min(starts, key=lambda at: _rank(text, at)) if starts else last


def _line_starts(text: str, first: int, last: int) -> list[int]:
    starts, at = [], text.find("\n", first - 1, last) + 1
    while at:
        starts.append(at)
        at = text.find("\n", at, last) + 1
    return starts


def _rank(text: str, at: int) -> tuple[bool, int]:
    """How well a window starts at this line, lower is better: best after a blank line.

    Among equals, a hash of the lines decides, which does not depend on the rest of the text.
    """
    end = text.find("\n", text.find("\n", at) + 1)
    lines = text[at : end if end >= 0 else len(text)]
    begins_part = text[max(0, at - 2) : at] == "\n\n" and not lines[:1].isspace()
    return not begins_part, crc32(lines.encode("utf-8", "surrogatepass"))
