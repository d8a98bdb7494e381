"""Counts what happens to visible ghost text from one frame to the next."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """The screen at one moment: the cursor, its line up to there, and the ghost text.

    `place` names the file and the row. `ghost` has its lines joined by line ends.
    """

    place: str
    before: str
    ghost: str


@dataclass(frozen=True, slots=True)
class Flicker:
    """Counts of frames.

    `suggestions` counts ghost text that appears while no earlier text is still valid. Ghost text
    stays valid while the user types its next characters, or nothing. The other counts say what
    happened to valid text: it was `kept`, `grown`, `shortened`, `replaced` by different text, or it
    `vanished`. `blinked` counts the vanished text that came back.
    """

    suggestions: int = 0
    kept: int = 0
    grown: int = 0
    shortened: int = 0
    replaced: int = 0
    vanished: int = 0
    blinked: int = 0


def count_flicker(frames: Iterable[Frame]) -> Flicker:
    """Count over all frames, in their order."""
    counts: Counter[str] = Counter()
    good: Frame | None = None
    is_gone = False
    for frame in frames:
        rest = find_remaining_text(good, frame) if good else ""
        if not rest:
            counts["suggestions"] += bool(frame.ghost)
            good, is_gone = (frame if frame.ghost else None), False
        elif not frame.ghost:
            counts["vanished"] += not is_gone
            is_gone = True
        else:
            counts["blinked" if is_gone else _classify(rest, frame.ghost)] += 1
            good, is_gone = frame, False
    return Flicker(**counts)


def find_remaining_text(earlier: Frame, later: Frame) -> str:
    """The part of the ghost text that is still to be typed; empty if it is not valid any more."""
    if earlier.place != later.place or not later.before.startswith(earlier.before):
        return ""
    typed = later.before[len(earlier.before) :]
    return earlier.ghost[len(typed) :] if earlier.ghost.startswith(typed) else ""


def _classify(rest: str, shown: str) -> str:
    if shown == rest:
        return "kept"
    if shown.startswith(rest):
        return "grown"
    return "shortened" if rest.startswith(shown) else "replaced"
