"""The time that a streamed generation takes."""

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass


@dataclass(frozen=True)
class TimedGeneration:
    """A generated text, milliseconds to its first piece and to its end, and its pieces."""

    text: str
    first_ms: float
    total_ms: float
    tokens: int


def time_generation(
    pieces: Generator[str, None, None], *, to_line: bool = False
) -> TimedGeneration:
    """Read `pieces`, a generator that has not started; empty pieces do not count.

    With `to_line`, close it at the end of the first line that is not blank.
    """
    started = time.perf_counter()
    text, first, count = "", 0.0, 0
    with closing(pieces):
        for piece in pieces:
            if not piece:
                continue
            first = first or (time.perf_counter() - started) * 1000
            text += piece
            count += 1
            if to_line and "\n" in text.lstrip():
                break
    return TimedGeneration(text, first, (time.perf_counter() - started) * 1000, count)
