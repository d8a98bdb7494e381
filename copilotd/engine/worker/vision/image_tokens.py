"""What stands in a prompt for an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Picture:
    """An image, or a tile of one.

    `ids` has one entry for each position that it takes; `embeddings`, of shape (cells, n_embd) made
    flat, one row for each cell of the KV cache, which can be more.
    """

    ids: list[int]
    cells: int
    chunk: Any
    embeddings: NDArray[np.float32]


View = Sequence["list[int] | Picture"]
"""What stands in the prompt for one image: pictures, and the tokens that the model has round it."""


class GivenUp(Exception):
    """Nobody waits for the picture any more."""
