"""One sequence of the KV cache in one file.

A head (what the state is for, the tokens, the size and checksum of the state), the checksum of the
head, then the bytes that llama.cpp wrote, as they are: zstd takes 8 % off them and four times as
long as the disk. A file is believed only if every checksum is right, so one that was cut off or
damaged never makes a wrong completion.
"""

import os
import struct
import tempfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

State = NDArray[np.uint8]
"""The bytes of a sequence as llama.cpp wrote them, shape (size,)."""

GoOn = Callable[[], bool]
"""Asked every few milliseconds of a long write."""

TEMPORARY = ".tmp"
"""How the name of a file ends that is being written."""

_MAGIC = b"copilot1"
"""The last character is the version of the format."""
_HEAD = struct.Struct("<8s32sIQI")
_CHECKSUM = struct.Struct("<I")
_PIECE = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Head:
    """`key` (32 bytes) names the model that `tokens` were evaluated with."""

    key: bytes
    tokens: list[int]
    size: int
    checksum: int


def write_state(path: Path, key: bytes, tokens: list[int], state: State, go_on: GoOn) -> bool:
    """Put the state into `path` at once, so that nobody ever reads half of it.

    False if `go_on` said no; then there is no file. Raises: OSError.
    """
    handle, name = tempfile.mkstemp(suffix=TEMPORARY, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            whole = _write(file, key, tokens, state, go_on)
        if whole:
            os.replace(temporary, path)
        return whole
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def read_head(path: Path) -> Head | None:
    """What `path` holds; None if it is not whole. Raises: OSError."""
    with path.open("rb") as file:
        return _read_head(file)


def read_state(path: Path, key: bytes, tokens: list[int]) -> State | None:
    """The state of `tokens`; None if the file holds anything else. Raises: OSError."""
    with path.open("rb") as file:
        head = _read_head(file)
        if head is None or (head.key, head.tokens) != (key, tokens):
            return None
        state = np.fromfile(file, np.uint8, head.size)
    return state if zlib.crc32(state.data) == head.checksum else None


def _write(file: BinaryIO, key: bytes, tokens: list[int], state: State, go_on: GoOn) -> bool:
    ids = np.array(tokens, "<i4").tobytes()
    # Only the state's checksum is missing yet, and comes as its bytes go by.
    file.write(bytes(_HEAD.size + len(ids) + _CHECKSUM.size))
    checksum = 0
    for start in range(0, len(state), _PIECE):
        if not go_on():
            return False
        piece = state[start : start + _PIECE].data
        checksum = zlib.crc32(piece, checksum)
        file.write(piece)
    head = _HEAD.pack(_MAGIC, key, len(tokens), len(state), checksum) + ids
    file.seek(0)
    file.write(head + _CHECKSUM.pack(zlib.crc32(head)))
    return True


def _read_head(file: BinaryIO) -> Head | None:
    fixed = file.read(_HEAD.size)
    if len(fixed) < _HEAD.size:
        return None
    magic, key, count, size, checksum = _HEAD.unpack(fixed)
    rest = os.fstat(file.fileno()).st_size - size - _HEAD.size - _CHECKSUM.size
    if magic != _MAGIC or rest != 4 * count:
        return None
    ids = file.read(rest)
    if file.read(_CHECKSUM.size) != _CHECKSUM.pack(zlib.crc32(fixed + ids)):
        return None
    return Head(key, np.frombuffer(ids, "<i4").tolist(), size, checksum)
