"""Where the last few tokens stood before, and what followed them there.

Code and conversations repeat themselves: a name, a call, a function that is asked for again with a
change. So what followed the same tokens earlier is a guess at what follows now, and costs no
model. After Saxena's "Prompt lookup decoding".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST, LONGEST = 2, 8
"""Tokens that have to be the same, and beyond which they are not counted."""

_KEPT = 8
"""Texts that are remembered besides the one that is being written."""

_Tokens = NDArray[np.int32]
"""Shape (length of the text,)."""


@dataclass(frozen=True, slots=True)
class Match:
    """`following` came after the last `length` tokens when they stood somewhere before."""

    length: int
    following: tuple[int, ...]


class Lookup:
    """The text that is being written, and the last few that were."""

    def __init__(self) -> None:
        self._id = -1
        self._written = _Text()
        self._remembered: list[_Tokens] = []

    def find(self, id: int, tokens: Sequence[int], count: int) -> Match | None:
        """The longest match for the end of `tokens` (of request `id`), then the latest.

        At most `count` tokens follow; None if nothing that is long enough is found.
        """
        if id != self._id:
            self._id, self._written = id, _Text()
        self._written.extend(tokens[len(self._written) :])
        text, end = self._written.tokens, tokens[-LONGEST:]
        at, length = _longest(text, end)
        # Where a text repeats itself up to its end, it goes on from its own beginning.
        following = np.resize(text[at + 1 :], count)
        for other in self._remembered:
            if length == LONGEST:
                break
            there, common = _longest(other, end)
            if common > length:
                length, following = common, other[there + 1 : there + 1 + count]
        return Match(length, tuple(following.tolist())) if length >= SHORTEST else None

    def remember(self, tokens: Sequence[int]) -> None:
        """A text is complete; it takes the place of those that begin like it."""
        text = np.array(tokens, np.int32)
        others = [other for other in self._remembered if not _is_version(other, text)]
        self._remembered = [text, *others][:_KEPT]


class _Text:
    """Tokens to which more are added."""

    def __init__(self) -> None:
        self._room = np.empty(256, np.int32)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def extend(self, tokens: Sequence[int]) -> None:
        length = self._length + len(tokens)
        if length > len(self._room):
            self._room = np.resize(self._room, 2 * length)
        self._room[self._length : length] = tokens
        self._length = length

    @property
    def tokens(self) -> _Tokens:
        return self._room[: self._length]


def _longest(text: _Tokens, end: Sequence[int]) -> tuple[int, int]:
    """Where the longest part of `end` ends in `text`, with something behind it, and its length."""
    at = np.flatnonzero(text[:-1] == end[-1])
    found = length = 0
    while len(at):
        found, length = int(at[-1]), length + 1
        if length == len(end):
            break
        at = at[at >= length]
        at = at[text[at - length] == end[-1 - length]]
    return found, length


def _is_version(old: _Tokens, new: _Tokens) -> bool:
    """Whether at least half of the shorter text is the beginning of both."""
    half = (min(len(old), len(new)) + 1) // 2
    return bool(np.array_equal(old[:half], new[:half]))
