"""Replaces a file as a whole, so that other processes may read it at any moment.

The content is written to a temporary file in the same folder, which is then renamed. A reader sees
the old content or the new content, never half of either. That holds for a writer that ends early
and for a full disk; after a power cut only what was written with `durable` is whole.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

TEMPORARY_SUFFIX = ".tmp"
"""The end of a temporary file's name. Only a writer that was killed leaves such a file behind."""


def write_atomically(
    path: Path, data: bytes, mode: int | None = None, *, durable: bool = False
) -> None:
    """Write `data` to `path` and replace what is there. The folder must exist.

    The file has the permissions `mode` from its first moment; None means the umask decides. If
    this fails, the old file is unchanged. `durable` flushes it to the disk, which takes some
    milliseconds.

    Raises:
        OSError: the file cannot be written.
    """
    try:
        with open_atomically(path, mode) as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def open_atomically(path: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces `path` when the block ends; see `write_atomically`.

    If the block raises, `path` is unchanged and the temporary file is removed.

    Raises:
        OSError: the file cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        with open(temporary, "xb", opener=_make_opener(mode)) as file:
            if mode is not None:
                temporary.chmod(mode)  # The umask may have removed some of these permissions.
            yield file
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _make_opener(mode: int | None) -> Callable[[str, int], int]:
    return lambda name, flags: os.open(name, flags, 0o666 if mode is None else mode)
