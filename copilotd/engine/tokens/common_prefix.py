"""The common prefix of two sequences, usually of tokens."""

from collections.abc import Sequence


def common_prefix_length(a: Sequence[object], b: Sequence[object]) -> int:
    """Length of the longest common prefix. A binary search that compares slices, which run in C."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def has_prefix(tokens: list[int], prefix: list[int]) -> bool:
    """Whether `tokens` begins with `prefix`, or equals it."""
    return tokens[: len(prefix)] == prefix


def is_mostly_prefix(old: list[int], new: list[int]) -> bool:
    """Whether `new` begins with at least three quarters of `old`.

    This holds for two states of one document while its cursor moves on. With `new` in a cache,
    little evaluation is then needed to get `old` back.
    """
    return 4 * common_prefix_length(old, new) >= 3 * len(old)
