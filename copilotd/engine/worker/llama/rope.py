"""Keys that are turned from one position to another, in a saved state.

llama.cpp turns keys too, but all that the context has room for, and with an evaluation to do it in:
that takes as long as some ten tokens of a prompt. Only the keys of the cells that move need it.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copilotd.engine.worker.kv.state_file import State

_NEIGHBOURS, _HALVES = 0, 2
"""llama.cpp's numbers for how a head is turned: as pairs of neighbours, or of its two halves."""
_F16 = 1
"""llama.cpp's number for that type."""
_PREFIX = 8
"""Bytes before the cells: what wrote the state, and the sequence."""


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotary position embedding (Su et al., 2021): how far each pair of a key's floats is turned.

    Of each head's `n_head` floats the first `n_rot` are turned; `base` and `scale` are the model's
    frequencies. `halves` says what makes a pair.
    """

    n_head: int
    n_rot: int
    base: float
    scale: float
    halves: bool

    @classmethod
    def of(cls, kind: int, scale: float, metadata: Callable[[str], str]) -> "Rope | None":
        """What a GGUF file's `metadata` say (of keys without the architecture); None if unknown."""
        if kind not in (_NEIGHBOURS, _HALVES):
            return None
        try:
            n_head = int(metadata("attention.key_length") or _shared_out(metadata))
            n_rot = int(metadata("rope.dimension_count") or n_head)
            base = float(metadata("rope.freq_base") or 10000)
        except (ValueError, ZeroDivisionError):
            return None
        return cls(n_head, n_rot, base, scale, kind == _HALVES)

    def turned(self, state: State, shift: int) -> State | None:
        """A copy of `state`, all of it `shift` positions on; None if it cannot be understood."""
        moved = state.copy()
        try:
            cells = _Cells(moved)
            for keys in cells.keys(self.n_head):
                self._turn(keys, shift)
        except (struct.error, ValueError):
            return None
        cells.positions += shift
        return moved

    def _turn(self, keys: NDArray[np.float16], shift: int) -> None:
        """Turn `keys`, shape (cells, heads, n_head), where they are."""
        angles = shift * self.scale * self.base ** (-np.arange(0, self.n_rot, 2) / self.n_rot)
        cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        middle = self.n_rot // 2
        first = np.s_[..., :middle] if self.halves else np.s_[..., 0 : self.n_rot : 2]
        second = np.s_[..., middle : self.n_rot] if self.halves else np.s_[..., 1 : self.n_rot : 2]
        one, other = keys[first].astype(np.float32), keys[second].astype(np.float32)
        keys[first] = one * cosines - other * sines
        keys[second] = one * sines + other * cosines


def _shared_out(metadata: Callable[[str], str]) -> int:
    return int(metadata("embedding_length")) // int(metadata("attention.head_count"))


def alike(one: State, other: State, rope: Rope) -> bool:
    """Whether two states have the same keys at the same positions, but for rounding."""
    mine, its = _Cells(one), _Cells(other)
    if not np.array_equal(mine.positions, its.positions):
        return False
    pairs = zip(mine.keys(rope.n_head), its.keys(rope.n_head), strict=True)
    return all(_near(a.astype(np.float32), b.astype(np.float32)) for a, b in pairs)


def _near(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    # Far away llama.cpp's angles, in single precision, are off by some thousandths.
    return float(np.linalg.norm(one - other)) <= 0.02 * float(np.linalg.norm(one))


class _Cells:
    """The cells of one sequence, as `llama_state_seq_get_data` lays them out.

    Behind the prefix come the number of streams and of cells; of each cell its position and the
    sequences that hold it; whether values are transposed and the number of layers; then each
    layer's keys, with their type and bytes per cell, and after them the values.

    Raises:
        ValueError: on another layout.
        struct.error: on one that ends too soon.

    """

    def __init__(self, state: State) -> None:
        self._state = state
        streams, self._n = self._read("<II", _PREFIX)
        start = _PREFIX + 8
        cells = state[start : start + 12 * self._n].view(np.int32).reshape(-1, 3)
        if streams != 1 or len(cells) != self._n or (cells[:, 1] != 1).any():
            raise ValueError("not one stream of cells that one sequence holds")
        self.positions = cells[:, 0]
        """Shape (cells,); what is written to it is in the state."""
        self._start = start + 12 * self._n

    def keys(self, n_head: int) -> Iterator[NDArray[np.float16]]:
        """Each layer's, shape (cells, heads, n_head); what is written to it is in the state."""
        _, layers = self._read("<II", self._start)
        at = self._start + 8
        for _ in range(layers):
            kind, row = self._read("<iQ", at)
            at += 12
            if kind != _F16:
                raise ValueError("keys of another type")
            layer = self._state[at : at + row * self._n]
            at += row * self._n
            yield layer.view(np.float16).reshape(self._n, -1, n_head)

    def _read(self, layout: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(layout, self._state.data, at)
