"""Finds the tokens of a vocabulary by their bytes."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class TokenBytes:
    """The tokens of a vocabulary, sorted by their bytes.

    `pieces[id]` holds the bytes of token `id`; it is empty for control tokens.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        order = sorted((piece, id) for id, piece in enumerate(pieces) if piece)
        self._sorted = [piece for piece, _ in order]
        self._ids = np.array([id for _, id in order], np.int64)
        self._longest = max(map(len, self._sorted), default=0)

    def find_compatible(self, text: bytes) -> NDArray[np.int64]:
        """Find the ids of all tokens that begin with `text`, or that `text` begins with."""
        shorter = [self._find_equal(text[:n]) for n in range(1, min(len(text), self._longest + 1))]
        return np.concatenate([*shorter, self._find_longer(text)])

    def _find_equal(self, text: bytes) -> NDArray[np.int64]:
        return self._ids[self._index_of(text) : self._index_of(text + b"\0")]

    def _find_longer(self, text: bytes) -> NDArray[np.int64]:
        # 0xFF occurs in no UTF-8 text, so it sorts after everything that begins with `text`.
        return self._ids[self._index_of(text) : self._index_of(text + b"\xff" * self._longest)]

    def _index_of(self, text: bytes) -> int:
        return bisect_left(self._sorted, text)
