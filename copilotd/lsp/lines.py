"""The lines of a text that is edited by positions.

A position is a line and a column. Lines end only at CRLF, LF and CR: `str.splitlines` also splits
at form feeds and line separators, which editors do not. An edit replaces the lines that it touches
and no others, so a replacement of a thousand places does not copy the text a thousand times.

The conversion is written by hand because pygls and the standard library split lines differently.
"""

import re
from bisect import bisect_right
from itertools import accumulate

from copilotd.lsp.changes import Position
from copilotd.lsp.positions import Encoding, count_code_points, count_units

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|(?<![^\r\n])[^\r\n]*\Z")


class Lines:
    """The lines of a text with their line ends. The last line has none, and may be empty."""

    def __init__(self, text: str) -> None:
        self._lines = _split(text)
        self._starts: list[int] | None = None

    def copy(self) -> "Lines":
        """The same lines, to be edited while others keep these."""
        copied = Lines.__new__(Lines)
        copied._lines, copied._starts = self._lines.copy(), self._starts
        return copied

    def join(self) -> str:
        """The whole text."""
        return "".join(self._lines)

    @property
    def size(self) -> int:
        """The length of the text in code points."""
        return self._find_starts()[-1] + len(self._lines[-1])

    def offset_at(self, position: Position, encoding: Encoding) -> int:
        """The offset of a position.

        As in the LSP specification, a column after the end of the line means that end, and a line
        after the last one means the end of the text.
        """
        line, column = self._find(position, encoding)
        return self._find_starts()[line] + column

    def position_at(self, offset: int, encoding: Encoding) -> Position:
        """The position of an offset."""
        starts = self._find_starts()
        line = bisect_right(starts, offset) - 1
        return Position(line, count_units(self._lines[line][: offset - starts[line]], encoding))

    def replace(self, start: Position, end: Position, text: str, encoding: Encoding) -> None:
        """Replace the text between two positions, whichever of them comes first."""
        (first, left), (last, right) = sorted(
            (self._find(start, encoding), self._find(end, encoding))
        )
        changed = self._lines[first][:left] + text + self._lines[last][right:]
        if first > 0 and changed.startswith("\n") and self._lines[first - 1].endswith("\r"):
            # The two characters are one line end now.
            first -= 1
            changed = self._lines[first] + changed
        lines = _split(changed)
        if last + 1 < len(self._lines):
            lines.pop()
        self._lines[first : last + 1] = lines
        self._starts = None

    def _find(self, position: Position, encoding: Encoding) -> tuple[int, int]:
        """The line of a position, and its column in code points."""
        line, column = max(0, position.line), max(0, position.character)
        if line >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        return line, count_code_points(self._lines[line].rstrip("\r\n"), column, encoding)

    def _find_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = list(accumulate(map(len, self._lines[:-1]), initial=0))
        return self._starts


def _split(text: str) -> list[str]:
    if text.count("\r") != text.count("\r\n"):
        return _LINE.findall(text)
    *lines, last = text.split("\n")
    return [*(line + "\n" for line in lines), last]
