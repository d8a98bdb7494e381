"""The units of columns: code units of the encoding that client and server agreed on.

An offset counts code points.
"""

from enum import StrEnum


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
    if text.isascii():
        return len(text)
    codec, size = _CODECS[encoding]
    return len(text.encode(codec)) // size


def count_code_points(text: str, units: int, encoding: Encoding) -> int:
    """The number of code points in the first `units` code units of `text`.

    A character that is only partly inside does not count.
    """
    if text.isascii():
        return min(units, len(text))
    codec, size = _CODECS[encoding]
    # No code point is smaller than a unit.
    return len(text[:units].encode(codec)[: units * size].decode(codec, "ignore"))
