"""How much of their beginnings two sequences, of tokens as a rule, have in common."""

from collections.abc import Sequence


def common_prefix_length(a: Sequence[object], b: Sequence[object]) -> int:
    """Length of the longest common beginning; compares slices, which run in C."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def has_prefix(tokens: list[int], beginning: list[int]) -> bool:
    """Whether `tokens` goes on from `beginning`, or is the same."""
    return tokens[: len(beginning)] == beginning


def is_mostly_prefix(old: list[int], new: list[int]) -> bool:
    """Whether little of `old` would have to be evaluated again by one who has `new`.

    So it is with the states of one document as its cursor moves on.
    """
    return 4 * common_prefix_length(old, new) >= 3 * len(old)
