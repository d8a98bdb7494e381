"""The bytes of each token of a vocabulary."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Pieces:
    """The tokens of a vocabulary by their bytes; `pieces[id]` is empty for control tokens."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        order = sorted((piece, id) for id, piece in enumerate(pieces) if piece)
        self._sorted = [piece for piece, _ in order]
        self._ids = np.array([id for _, id in order], np.int64)
        self._longest = max(map(len, self._sorted), default=0)

    def compatible(self, text: bytes) -> NDArray[np.int64]:
        """Ids of all tokens that begin with `text`, or with which `text` begins."""
        shorter = [self._equal(text[:n]) for n in range(1, min(len(text), self._longest + 1))]
        return np.concatenate([*shorter, self._beginning_with(text)])

    def _equal(self, text: bytes) -> NDArray[np.int64]:
        return self._ids[self._at(text) : self._at(text + b"\0")]

    def _beginning_with(self, text: bytes) -> NDArray[np.int64]:
        # 0xFF occurs in no UTF-8 text, so it sorts behind all that begins with `text`.
        return self._ids[self._at(text) : self._at(text + b"\xff" * self._longest)]

    def _at(self, text: bytes) -> int:
        return bisect_left(self._sorted, text)
