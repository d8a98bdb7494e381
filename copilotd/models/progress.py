"""How a long task, such as a download, reports its progress."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes (None if unknown) of the work that `text` describes.

    A new text starts a new line on the screen; the same text again moves the bar on its line.
    """

    text: str
    done: int = 0
    total: int | None = None


ProgressCallback = Callable[[Progress], None]
"""Called from the thread that does the work, so it must not block."""


def format_bytes(size: int) -> str:
    """Format a number of bytes in decimal units."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} bytes"
