"""Finds where the last few tokens occurred before, and what followed them there.

Code and conversations repeat themselves: a name, a call, a function that is written again with a
change. So what followed the same tokens earlier is a good guess at what follows now, and it needs
no model. After Saxena's "Prompt lookup decoding".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST, LONGEST = 2, 8
"""Lengths of a match in tokens: the shortest that counts, and the longest that is looked for."""

_MAX_TEXTS = 8
"""Number of finished texts that are remembered."""

_Tokens = NDArray[np.int32]
"""Shape (length of the text,)."""


@dataclass(frozen=True, slots=True)
class Match:
    """The last `length` tokens occurred before, and `following` came next there."""

    length: int
    following: tuple[int, ...]


class NgramLookup:
    """The text that is being written, and the last few that are finished."""

    def __init__(self) -> None:
        self._id = -1
        self._current = _Text()
        self._finished: list[_Tokens] = []

    def find(self, id: int, tokens: Sequence[int], count: int) -> Match | None:
        """The longest match for the end of `tokens` (of request `id`); among equals, the latest.

        At most `count` tokens follow. None if no match is long enough.
        """
        if id != self._id:
            self._id, self._current = id, _Text()
        self._current.extend(tokens[len(self._current) :])
        text, end = self._current.tokens, tokens[-LONGEST:]
        index, length = _find_longest(text, end)
        # If a text repeats itself up to its end, it probably continues to repeat itself.
        following = np.resize(text[index + 1 :], count)
        for other in self._finished:
            if length == LONGEST:
                break
            other_index, other_length = _find_longest(other, end)
            if other_length > length:
                length, following = other_length, other[other_index + 1 : other_index + 1 + count]
        return Match(length, tuple(following.tolist())) if length >= SHORTEST else None

    def remember(self, tokens: Sequence[int]) -> None:
        """Keep a finished text, which replaces those that begin like it."""
        text = np.array(tokens, np.int32)
        others = [other for other in self._finished if not _is_version(other, text)]
        self._finished = [text, *others][:_MAX_TEXTS]


class _Text:
    """A growing array of tokens."""

    def __init__(self) -> None:
        self._buffer = np.empty(256, np.int32)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def extend(self, tokens: Sequence[int]) -> None:
        length = self._length + len(tokens)
        if length > len(self._buffer):
            self._buffer = np.resize(self._buffer, 2 * length)
        self._buffer[self._length : length] = tokens
        self._length = length

    @property
    def tokens(self) -> _Tokens:
        return self._buffer[: self._length]


def _find_longest(text: _Tokens, end: Sequence[int]) -> tuple[int, int]:
    """Find the longest part of `end` in `text`, followed by at least one token.

    Returns the index of its last token, and its length; (0, 0) if there is none.
    """
    candidates = np.flatnonzero(text[:-1] == end[-1])
    index = length = 0
    while len(candidates):
        index, length = int(candidates[-1]), length + 1
        if length == len(end):
            break
        candidates = candidates[candidates >= length]
        candidates = candidates[text[candidates - length] == end[-1 - length]]
    return index, length


def _is_version(old: _Tokens, new: _Tokens) -> bool:
    """Whether the texts agree on at least half of the shorter one, from the beginning."""
    half = (min(len(old), len(new)) + 1) // 2
    return bool(np.array_equal(old[:half], new[:half]))
