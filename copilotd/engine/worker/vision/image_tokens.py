"""The tokens and embeddings that represent an image in a prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ImageTokens:
    """The placeholder tokens and the embeddings of an image, or of a tile of one.

    `ids` has one id for each position that the image takes. `embeddings`, of shape
    (cells * n_embd,), has one row for each cell of the KV cache; there can be more cells than
    positions. `chunk` is llama.cpp's own handle.
    """

    ids: list[int]
    cells: int
    chunk: Any
    embeddings: NDArray[np.float32]


ImageChunks = Sequence["list[int] | ImageTokens"]
"""One image in a prompt: its tiles, and the text tokens that the model puts around them."""


class EncodingCancelled(Exception):
    """No request needs the image any more."""
