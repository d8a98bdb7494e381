"""Rotates the keys of a saved state from one position to another.

llama.cpp can rotate keys too, but it rotates every cell that the context has room for, and only as
part of an evaluation: that takes as long as about ten tokens of a prompt. Here only the keys of the
cells that move are rotated.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copilotd.engine.worker.kv.state_file import SequenceState

_NORM, _NEOX = 0, 2
"""llama.cpp's rope types: a head is rotated in pairs of neighbours, or in pairs of its halves."""
_F16 = 1
"""llama.cpp's number for the second type."""
_PREFIX = 8
"""Bytes before the cells: an identifier of what wrote the state, and the sequence."""


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotary position embedding (Su et al., 2021): how far each pair of a key's floats rotates.

    The first `n_rot` of each head's `n_head` floats rotate; `base` and `scale` are the model's
    frequencies. `is_neox` pairs a head's first half with its second, else neighbours are a pair.
    """

    n_head: int
    n_rot: int
    base: float
    scale: float
    is_neox: bool

    @classmethod
    def from_metadata(
        cls, kind: int, scale: float, metadata: Callable[[str], str]
    ) -> "Rope | None":
        """Read the parameters from a GGUF file; None for a rope type that is not known here.

        `metadata` returns the value of a key that is given without the architecture's name.
        """
        if kind not in (_NORM, _NEOX):
            return None
        try:
            n_head = int(metadata("attention.key_length") or _default_head_size(metadata))
            n_rot = int(metadata("rope.dimension_count") or n_head)
            base = float(metadata("rope.freq_base") or 10000)
        except (ValueError, ZeroDivisionError):
            return None
        return cls(n_head, n_rot, base, scale, kind == _NEOX)

    def rotate(self, state: SequenceState, shift: int) -> SequenceState | None:
        """Return a copy of `state` moved by `shift` positions; None if its layout is not known."""
        moved = state.copy()
        try:
            cells = _StateCells(moved)
            for keys in cells.iter_keys(self.n_head):
                self._rotate_keys(keys, shift)
        except (struct.error, ValueError):
            return None
        cells.positions += shift
        return moved

    def _rotate_keys(self, keys: NDArray[np.float16], shift: int) -> None:
        """Rotate `keys`, shape (cells, heads, n_head), in place."""
        angles = shift * self.scale * self.base ** (-np.arange(0, self.n_rot, 2) / self.n_rot)
        cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        middle = self.n_rot // 2
        first = np.s_[..., :middle] if self.is_neox else np.s_[..., 0 : self.n_rot : 2]
        second = np.s_[..., middle : self.n_rot] if self.is_neox else np.s_[..., 1 : self.n_rot : 2]
        x, y = keys[first].astype(np.float32), keys[second].astype(np.float32)
        keys[first] = x * cosines - y * sines
        keys[second] = x * sines + y * cosines


def _default_head_size(metadata: Callable[[str], str]) -> int:
    return int(metadata("embedding_length")) // int(metadata("attention.head_count"))


def has_same_keys(one: SequenceState, other: SequenceState, rope: Rope) -> bool:
    """Whether two states have the same keys at the same positions, up to rounding."""
    cells, other_cells = _StateCells(one), _StateCells(other)
    if not np.array_equal(cells.positions, other_cells.positions):
        return False
    pairs = zip(cells.iter_keys(rope.n_head), other_cells.iter_keys(rope.n_head), strict=True)
    return all(_is_close(a.astype(np.float32), b.astype(np.float32)) for a, b in pairs)


def _is_close(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    # llama.cpp computes angles in single precision: far away they are off by some thousandths.
    return float(np.linalg.norm(one - other)) <= 0.02 * float(np.linalg.norm(one))


class _StateCells:
    """The cells of one sequence, as `llama_state_seq_get_data` lays them out.

    After the prefix come: the numbers of streams and of cells; for each cell its position and the
    sequences that hold it; whether values are transposed, and the number of layers; each layer's
    keys, with their type and bytes per cell; and the values.

    Raises:
        ValueError: the layout is another one.
        struct.error: the state ends too early.

    """

    def __init__(self, state: SequenceState) -> None:
        self._state = state
        streams, self._n = self._read("<II", _PREFIX)
        start = _PREFIX + 8
        cells = state[start : start + 12 * self._n].view(np.int32).reshape(-1, 3)
        if streams != 1 or len(cells) != self._n or (cells[:, 1] != 1).any():
            raise ValueError("the cells belong to more than one stream or sequence")
        self.positions = cells[:, 0]
        """Shape (cells,); a view of the state."""
        self._start = start + 12 * self._n

    def iter_keys(self, n_head: int) -> Iterator[NDArray[np.float16]]:
        """Yield each layer's keys, shape (cells, heads, n_head); views of the state."""
        _, layers = self._read("<II", self._start)
        offset = self._start + 8
        for _ in range(layers):
            kind, row = self._read("<iQ", offset)
            offset += 12
            if kind != _F16:
                raise ValueError("the keys are not f16")
            layer = self._state[offset : offset + row * self._n]
            offset += row * self._n
            yield layer.view(np.float16).reshape(self._n, -1, n_head)

    def _read(self, layout: str, offset: int) -> tuple[int, ...]:
        return struct.unpack_from(layout, self._state.data, offset)
