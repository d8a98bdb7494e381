"""How a long piece of work says where it stands."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes (None: not known) of the work that `text` names in words.

    A new text is a new line for a person to read; the same text again moves that line's bar.
    """

    text: str
    done: int = 0
    total: int | None = None


ProgressCallback = Callable[[Progress], None]
"""Called from the thread that does the work; must not block."""


def format_size(size: int) -> str:
    """A number of bytes for a person, in decimal units."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} bytes"
