"""What two token sequences have in common that is not their beginning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORTH = 32
"""Moving the cells of a run costs as much as evaluating half as many tokens."""
_HEAD = 3
"""Tokens of a run that are evaluated anew."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Run:
    """`length` tokens that stand at `source` in what is held, and at `target` in what is wanted."""

    source: int
    target: int
    length: int


def moved_run(wanted: Sequence[int], held: Sequence[int]) -> Run | None:
    """The longest common run but for its head; None if what remains is not worth the move.

    Where the same tokens are held more than once, the first place counts.
    """
    there, here = _windows(wanted), _windows(held)
    if not len(there) or not len(here):
        return None
    order = np.argsort(here, kind="stable")
    at = order[np.minimum(np.searchsorted(here, there, sorter=order), len(here) - 1)]
    found = here[at] == there
    goes_on = found[1:] & found[:-1] & (at[1:] == at[:-1] + 1)
    starts = np.concatenate(([0], np.flatnonzero(~goes_on) + 1))
    lengths = np.diff(starts, append=len(found)) * found[starts]
    longest = int(np.argmax(lengths))
    length = int(lengths[longest]) - 1 + WORTH - _HEAD
    target = int(starts[longest]) + _HEAD
    source = int(at[starts[longest]]) + _HEAD
    same = wanted[target : target + length] == held[source : source + length]
    return Run(source, target, length) if length >= WORTH and same else None


def _windows(tokens: Sequence[int]) -> NDArray[np.uint64]:
    """A hash of each `WORTH` tokens in succession, shape (len(tokens) - WORTH + 1,) or (0,)."""
    hashes = np.array(tokens, np.uint64)
    length = 1
    # A window is made of two halves, so the length doubles until it is WORTH, a power of two.
    while length < WORTH and len(hashes) > length:
        mixed = hashes * _FACTOR
        mixed ^= mixed >> 29
        hashes = mixed[:-length] * _FACTOR + mixed[length:]
        length *= 2
    return hashes if length == WORTH else hashes[:0]
