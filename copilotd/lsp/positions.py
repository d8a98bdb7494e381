"""Converts LSP positions to offsets in a `str` and back.

A position is a line and a column. The column counts code units of the encoding that client and
server agreed on; an offset counts code points. Lines end only at CRLF, LF and CR: `str.splitlines`
also splits at form feeds and line separators, which editors do not.

The conversion is written by hand because pygls and the standard library split lines differently.
"""

import re
from bisect import bisect_right
from enum import StrEnum

_LINE_END = re.compile(r"\r\n|\n|\r")


class Encoding(StrEnum):
    """The code unit that a column counts."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


# The names include a byte order because the plain codecs add a byte order mark.
_CODECS = {
    Encoding.UTF8: ("utf-8", 1),
    Encoding.UTF16: ("utf-16-le", 2),
    Encoding.UTF32: ("utf-32-le", 4),
}


def count_units(text: str, encoding: Encoding) -> int:
    """The length of `text` in code units. `text` must not contain a lone surrogate."""
    codec, size = _CODECS[encoding]
    return len(text.encode(codec)) // size


def count_code_points(text: str, units: int, encoding: Encoding) -> int:
    """The number of code points in the first `units` code units of `text`.

    A character that is only partly inside does not count.
    """
    codec, size = _CODECS[encoding]
    return len(text.encode(codec)[: units * size].decode(codec, "ignore"))


class LineIndex:
    """Where the lines of `text` begin."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def offset_at(self, line: int, column: int, encoding: Encoding) -> int:
        """The offset of a position.

        As in the LSP specification, a column after the end of the line means that end, and a line
        after the last one means the end of the text.
        """
        if line >= len(self._starts):
            return len(self._text)
        return self._starts[line] + count_code_points(self._line_text(line), column, encoding)

    def position_at(self, offset: int, encoding: Encoding) -> tuple[int, int]:
        """The line and column of an offset."""
        line = bisect_right(self._starts, offset) - 1
        return line, count_units(self._text[self._starts[line] : offset], encoding)

    def _line_text(self, line: int) -> str:
        start, following = self._starts[line], self._starts[line + 1 : line + 2]
        end = following[0] if following else len(self._text)
        return self._text[start:end].rstrip("\r\n")
