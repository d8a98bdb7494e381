"""A key for saved states, which stay valid only for the same model file used in the same way."""

import hashlib
from pathlib import Path

_HASHED_BYTES = 2**20
"""Bytes at the start of a model file: the metadata, and the first tensors or their list."""


def fingerprint(path: Path, context: str) -> bytes:
    """Hash the model file and `context`, which describes how llama.cpp uses it, to 32 bytes.

    Raises: OSError.
    """
    status = path.stat()
    with path.open("rb") as file:
        start = file.read(_HASHED_BYTES)
    identity = f"{status.st_size} {status.st_mtime_ns} {context}"
    return hashlib.sha256(identity.encode() + b"\0" + start).digest()
