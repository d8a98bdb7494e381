"""What two token sequences have in common that is not their beginning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_MOVED_TOKENS = 32
"""Where llama.cpp turns the keys, moving a run costs as much as evaluating half as many tokens."""
_HEAD = 3
"""Tokens of a run that are evaluated anew."""
_MOST_DISTANCES = 8
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

Tokens = NDArray[np.uint64]
"""Token ids or hashes of some, shape (n,)."""


@dataclass(frozen=True, slots=True)
class TokenRun:
    """`length` tokens that stand at `source` in what is held, and at `target` in what is wanted."""

    source: int
    target: int
    length: int


def find_moved_run(wanted: Sequence[int], held: Sequence[int]) -> TokenRun | None:
    """The longest common run but for its head; None if what remains is not worth the move.

    In text that repeats itself it may be a shorter one.
    """
    there, here = np.array(wanted, np.uint64), np.array(held, np.uint64)
    runs = [_longest(there, here, distance) for distance in _distances(there, here)]
    run = max(runs, key=lambda run: run.length, default=None)
    if run is None or run.length < MIN_MOVED_TOKENS + _HEAD:
        return None
    return TokenRun(run.source + _HEAD, run.target + _HEAD, run.length - _HEAD)


def _distances(wanted: Tokens, held: Tokens) -> list[int]:
    """How far apart the same `WORTH` tokens stand in both, the most frequent ones."""
    there, here = _windows(wanted), _windows(held)
    if not len(there) or not len(here):
        return []
    order = np.argsort(here, kind="stable")
    at = order[np.minimum(np.searchsorted(here, there, sorter=order), len(here) - 1)]
    found = np.flatnonzero(here[at] == there)
    distances, counts = np.unique(at[found] - found, return_counts=True)
    best: list[int] = distances[np.argsort(-counts)][:_MOST_DISTANCES].tolist()
    return best


def _longest(wanted: Tokens, held: Tokens, distance: int) -> TokenRun:
    """The longest run of tokens that stand `distance` further on in `held`."""
    first = max(0, -distance)
    there, here = wanted[first:], held[first + distance :]
    length = min(len(there), len(here))
    same = np.concatenate(([False], there[:length] == here[:length], [False]))
    edges = np.flatnonzero(same[1:] != same[:-1])
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    if not len(lengths):
        # Two windows had the same hash, and not the same tokens.
        return TokenRun(0, 0, 0)
    best = int(np.argmax(lengths))
    target = first + int(starts[best])
    return TokenRun(target + distance, target, int(lengths[best]))


def _windows(tokens: Tokens) -> Tokens:
    """A hash of each `WORTH` tokens in succession, shape (len(tokens) - WORTH + 1,) or (0,)."""
    hashes, length = tokens, 1
    # A window is made of two halves, so the length doubles until it is WORTH, a power of two.
    while length < MIN_MOVED_TOKENS and len(hashes) > length:
        mixed = hashes * _FACTOR
        mixed ^= mixed >> 29
        hashes = mixed[:-length] * _FACTOR + mixed[length:]
        length *= 2
    return hashes if length == MIN_MOVED_TOKENS else hashes[:0]
