"""What must be the same for a saved state to be valid."""

import hashlib
from pathlib import Path

_HEAD = 2**20
"""Bytes of a model file that are hashed: the metadata, and the first tensors or their list."""


def fingerprint(path: Path, context: str) -> bytes:
    """32 bytes that change with the model file, and with `context`: how llama.cpp uses it.

    Raises: OSError.
    """
    status = path.stat()
    with path.open("rb") as file:
        head = file.read(_HEAD)
    named = f"{status.st_size} {status.st_mtime_ns} {context}"
    return hashlib.sha256(named.encode() + b"\0" + head).digest()
