"""Finds tokens that two sequences have in common at different positions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_MOVED_TOKENS = 32
"""A shorter run is not worth moving.

llama.cpp has to rotate the moved keys, and a move costs as much as evaluating half as many tokens.
A power of two, because `_hash_windows` doubles its windows up to this length.
"""
_HEAD_TOKENS = 3
"""The first tokens of a run are evaluated anew."""
_MAX_DISTANCES = 8
_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)

TokenArray = NDArray[np.uint64]
"""Token ids, or hashes of token windows, shape (n,)."""


@dataclass(frozen=True, slots=True)
class TokenRun:
    """`length` tokens that are at `source` in the cache and at `target` in the prompt."""

    source: int
    target: int
    length: int


def find_moved_run(prompt: Sequence[int], cached: Sequence[int]) -> TokenRun | None:
    """The longest run that both sequences have, without its head; None if it is too short.

    In text that repeats itself, the result may be a shorter run.
    """
    prompt_tokens, cached_tokens = np.array(prompt, np.uint64), np.array(cached, np.uint64)
    distances = _common_distances(prompt_tokens, cached_tokens)
    runs = [_longest_run(prompt_tokens, cached_tokens, distance) for distance in distances]
    run = max(runs, key=lambda run: run.length, default=None)
    if run is None or run.length < MIN_MOVED_TOKENS + _HEAD_TOKENS:
        return None
    return TokenRun(run.source + _HEAD_TOKENS, run.target + _HEAD_TOKENS, run.length - _HEAD_TOKENS)


def _common_distances(prompt: TokenArray, cached: TokenArray) -> list[int]:
    """The most frequent distances between equal windows of both sequences."""
    prompt_hashes, cached_hashes = _hash_windows(prompt), _hash_windows(cached)
    if not len(prompt_hashes) or not len(cached_hashes):
        return []
    order = np.argsort(cached_hashes, kind="stable")
    ranks = np.searchsorted(cached_hashes, prompt_hashes, sorter=order)
    sources = order[np.minimum(ranks, len(cached_hashes) - 1)]
    targets = np.flatnonzero(cached_hashes[sources] == prompt_hashes)
    distances, counts = np.unique(sources[targets] - targets, return_counts=True)
    best: list[int] = distances[np.argsort(-counts)][:_MAX_DISTANCES].tolist()
    return best


def _longest_run(prompt: TokenArray, cached: TokenArray, distance: int) -> TokenRun:
    """The longest run of equal tokens that are `distance` positions later in `cached`."""
    first = max(0, -distance)
    targets, sources = prompt[first:], cached[first + distance :]
    length = min(len(targets), len(sources))
    same = np.concatenate(([False], targets[:length] == sources[:length], [False]))
    edges = np.flatnonzero(same[1:] != same[:-1])
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    if not len(lengths):
        # Two windows with different tokens had the same hash.
        return TokenRun(0, 0, 0)
    best = int(np.argmax(lengths))
    target = first + int(starts[best])
    return TokenRun(target + distance, target, int(lengths[best]))


def _hash_windows(tokens: TokenArray) -> TokenArray:
    """A hash of each window of MIN_MOVED_TOKENS tokens; empty if there are fewer tokens.

    The result has shape (len(tokens) - MIN_MOVED_TOKENS + 1,) or (0,).
    """
    hashes, length = tokens, 1
    # The hash of a window is made from the hashes of its two halves, so its length doubles.
    while length < MIN_MOVED_TOKENS and len(hashes) > length:
        mixed = hashes * _HASH_FACTOR
        mixed ^= mixed >> 29
        hashes = mixed[:-length] * _HASH_FACTOR + mixed[length:]
        length *= 2
    return hashes if length == MIN_MOVED_TOKENS else hashes[:0]
