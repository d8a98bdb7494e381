"""One file holds one sequence of the KV cache.

The file has a header (the key, the tokens, the size and the checksum of the state), the checksum of
the header, then the state as llama.cpp wrote it. The state is not compressed: zstd makes it 8 %
smaller and takes four times as long as the disk. A reader trusts a file only if every checksum is
right, so a truncated or damaged file never causes a wrong completion.
"""

import os
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from copilotd.files import open_atomically

SequenceState = NDArray[np.uint8]
"""The keys and values of one sequence as llama.cpp wrote them, shape (bytes,)."""

ShouldContinue = Callable[[], bool]
"""Called every few milliseconds of a long write, which stops when this returns False."""

_MAGIC = b"copilot1"
"""The last byte is the version of the format."""
_HEADER = struct.Struct("<8s32sIQI")
_CHECKSUM = struct.Struct("<I")
_CHUNK_BYTES = 4 * 2**20


class _Stopped(Exception):
    """`should_continue` returned False, so the file must not appear."""


@dataclass(frozen=True, slots=True)
class StateHeader:
    """`key` (32 bytes) identifies the model that evaluated `tokens`. `size` is in bytes."""

    key: bytes
    tokens: list[int]
    size: int
    checksum: int


def write_state(
    path: Path,
    key: bytes,
    tokens: list[int],
    state: SequenceState,
    should_continue: ShouldContinue,
) -> bool:
    """Write the state to `path` atomically, so that no reader ever sees half of it.

    Returns False if `should_continue` did; then no file is left behind. Raises: OSError.
    """
    with suppress(_Stopped), open_atomically(path, mode=0o600) as file:
        _write(file, key, tokens, state, should_continue)
        return True
    return False


def read_header(path: Path) -> StateHeader | None:
    """Return the header of `path`; None if the file is incomplete or damaged. Raises: OSError."""
    with path.open("rb") as file:
        return _read_header(file)


def read_state(path: Path, key: bytes, tokens: list[int]) -> SequenceState | None:
    """Return the state of `tokens`; None if the file holds anything else. Raises: OSError."""
    with path.open("rb") as file:
        header = _read_header(file)
        if header is None or (header.key, header.tokens) != (key, tokens):
            return None
        state = np.fromfile(file, np.uint8, header.size)
    return state if zlib.crc32(state.data) == header.checksum else None


def _write(
    file: BinaryIO,
    key: bytes,
    tokens: list[int],
    state: SequenceState,
    should_continue: ShouldContinue,
) -> None:
    ids = np.array(tokens, "<i4").tobytes()
    # The header is written last: it needs the checksum, which is computed while the state is
    # written.
    file.write(bytes(_HEADER.size + len(ids) + _CHECKSUM.size))
    checksum = 0
    for start in range(0, len(state), _CHUNK_BYTES):
        if not should_continue():
            raise _Stopped
        chunk = state[start : start + _CHUNK_BYTES].data
        checksum = zlib.crc32(chunk, checksum)
        file.write(chunk)
    header = _HEADER.pack(_MAGIC, key, len(tokens), len(state), checksum) + ids
    file.seek(0)
    file.write(header + _CHECKSUM.pack(zlib.crc32(header)))


def _read_header(file: BinaryIO) -> StateHeader | None:
    fixed = file.read(_HEADER.size)
    if len(fixed) < _HEADER.size:
        return None
    magic, key, count, size, checksum = _HEADER.unpack(fixed)
    ids_size = os.fstat(file.fileno()).st_size - size - _HEADER.size - _CHECKSUM.size
    if magic != _MAGIC or ids_size != 4 * count:
        return None
    ids = file.read(ids_size)
    if file.read(_CHECKSUM.size) != _CHECKSUM.pack(zlib.crc32(fixed + ids)):
        return None
    return StateHeader(key, np.frombuffer(ids, "<i4").tolist(), size, checksum)
