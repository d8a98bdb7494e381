"""Confidence intervals by resampling."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_DRAWS = 2000

Count = tuple[float, float]
"""What one request adds to a share: its part, and its whole."""


def compare_shares(
    ours: Sequence[Count], theirs: Sequence[Count]
) -> tuple[float, float, float] | None:
    """Our share less theirs, with the ends of its 95 % interval, by a paired bootstrap.

    A share is the sum of the parts over the sum of the wholes. Both sides have one count for each
    request, in the same order: a request that does not count has the whole 0. The bootstrap draws
    requests, each with both sides. None if a side has no whole.
    """
    counts = np.array([[*a, *b] for a, b in zip(ours, theirs, strict=True)], dtype=float)
    if not len(counts) or not counts[:, 1].any() or not counts[:, 3].any():
        return None
    draw = np.random.default_rng(0)
    drawn = draw.integers(0, len(counts), (_DRAWS, len(counts)))
    with np.errstate(invalid="ignore", divide="ignore"):
        differences = _subtract_shares(np.stack([counts[rows].sum(axis=0) for rows in drawn]))
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    return float(_subtract_shares(counts.sum(axis=0, keepdims=True))[0]), float(low), float(high)


def render_comparison(
    ours: Sequence[Count], theirs: Sequence[Count], scale: float = 100, unit: str = " points"
) -> str:
    """The difference and its interval in words; "-" if there is nothing to compare."""
    compared = compare_shares(ours, theirs)
    if compared is None:
        return "-"
    difference, low, high = (scale * value for value in compared)
    return f"{difference:+.1f}{unit} ({low:+.1f} to {high:+.1f})"


def _subtract_shares(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The difference of the shares in each row: our part and whole, then theirs."""
    return sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]
