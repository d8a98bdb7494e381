"""Positions on the wire against offsets in a `str`.

A position is a line and a column; the column counts code units of the encoding that client and
server agreed on, an offset counts code points. Lines end at CRLF, LF or CR and at nothing else:
`str.splitlines` also stops at form feeds and line separators, which editors do not.
"""

import re
from bisect import bisect_right
from enum import StrEnum

_LINE_END = re.compile(r"\r\n|\n|\r")


class Encoding(StrEnum):
    """What a column counts."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


# The byte order is named because the plain codecs put a byte order mark in front.
_CODECS = {
    Encoding.UTF8: ("utf-8", 1),
    Encoding.UTF16: ("utf-16-le", 2),
    Encoding.UTF32: ("utf-32-le", 4),
}


def units(text: str, encoding: Encoding) -> int:
    """The length of `text` in code units. `text` holds no lone surrogate."""
    codec, size = _CODECS[encoding]
    return len(text.encode(codec)) // size


def code_points(text: str, count: int, encoding: Encoding) -> int:
    """How many code points the first `count` units of `text` hold.

    A character that `count` cuts through is not counted.
    """
    codec, size = _CODECS[encoding]
    return len(text.encode(codec)[: count * size].decode(codec, "ignore"))


class Lines:
    """Where the lines of `text` begin."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def offset(self, line: int, column: int, encoding: Encoding) -> int:
        """The offset of a position.

        As the protocol has it, a column behind the line's end means that end; a line behind the
        last one means the end of the text.
        """
        if line >= len(self._starts):
            return len(self._text)
        return self._starts[line] + code_points(self._content(line), column, encoding)

    def position(self, offset: int, encoding: Encoding) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self._starts, offset) - 1
        return line, units(self._text[self._starts[line] : offset], encoding)

    def _content(self, line: int) -> str:
        start, following = self._starts[line], self._starts[line + 1 : line + 2]
        end = following[0] if following else len(self._text)
        return self._text[start:end].rstrip("\r\n")
