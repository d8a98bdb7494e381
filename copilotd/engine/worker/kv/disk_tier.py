"""Sequences of the KV cache on disk, so that they outlive the worker and the daemon.

The folder holds one file per sequence, of all models; several workers may use it at once. At the
start only the heads are read, and a state when its tokens are wanted.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from copilotd.engine.tokens.common_prefix import begins_with, common_prefix, mostly_in
from copilotd.engine.worker.kv.state_file import (
    TEMPORARY,
    GoOn,
    Head,
    State,
    read_head,
    read_state,
    write_state,
)

_ENDING = ".kv"
_WRITTEN_WITHIN_S = 3600
"""A temporary file that is older was left behind by a worker that was killed."""


@dataclass(frozen=True, slots=True, eq=False)
class Filed:
    """A file of the archive: `tokens[i]` was evaluated at position i."""

    tokens: list[int]
    path: Path
    archive: "Archive"
    exact: int = sys.maxsize
    """All of them: nothing else is written."""

    def read(self) -> State | None:
        """Its state; None if it is lost, and then the archive has forgotten it."""
        return self.archive.read(self)


class Archive:
    """At most `budget` bytes in `folder`; the least recently used file goes first.

    Only files of `key` are read; with a budget of 0, none. `files` holds those, the oldest first.
    When the disk fails it is said to `complain`, and nothing more is written.
    """

    def __init__(
        self, folder: Path, budget: int, key: bytes, complain: Callable[[str], None]
    ) -> None:
        self.files: list[Filed] = []
        self._folder = folder
        self._budget = budget
        self._key = key
        self._complain = complain
        if budget:
            self._guarded(self._open)

    def lacks(self, tokens: list[int]) -> int:
        """How many of `tokens` no file holds; 0 if nothing can be written."""
        held = max((common_prefix(file.tokens, tokens) for file in self.files), default=0)
        return len(tokens) - held if self._budget else 0

    def write(self, tokens: list[int], state: State, go_on: GoOn) -> bool:
        """Keep `state` in place of the files of its beginnings; False if `go_on` said no."""
        if state.nbytes > self._budget:
            return True
        return self._guarded(lambda: self._write(tokens, state, go_on))

    def read(self, file: Filed) -> State | None:
        """The state of `file`, which is now the last used; a file that has none is removed."""
        state = None
        with suppress(OSError):
            state = read_state(file.path, self._key, file.tokens)
            os.utime(file.path)
        if state is None:
            self._remove(file)
        return state

    def _open(self) -> bool:
        self._make_folder()
        for path in self._by_age():
            head = _head(path)
            if head is None:
                _unlink(path)
            elif head.key == self._key:
                self.files.append(Filed(head.tokens, path, self))
        for path in self._folder.glob(f"*{TEMPORARY}"):
            if time.time() - _used(path) > _WRITTEN_WITHIN_S:
                _unlink(path)
        return True

    def _write(self, tokens: list[int], state: State, go_on: GoOn) -> bool:
        self._make_folder()
        path = self._folder / _name(self._key, tokens)
        if not write_state(path, self._key, tokens, state, go_on):
            return False
        self._supersede(tokens)
        self.files.append(Filed(list(tokens), path, self))
        self._shrink()
        return True

    def _supersede(self, tokens: list[int]) -> None:
        """Remove what `tokens` goes on from; what has most in common with them is next to go."""
        for file in self.files:
            if file.tokens == tokens:
                self.files = [other for other in self.files if other is not file]
            elif begins_with(tokens, file.tokens):
                self._remove(file)
            elif mostly_in(file.tokens, tokens):
                with suppress(OSError):
                    os.utime(file.path, (0, 0))

    def _shrink(self) -> None:
        """Remove the oldest files, of whatever model, until the rest is within the budget."""
        paths = self._by_age()
        excess = sum(map(_size, paths)) - self._budget
        for path in paths:
            if excess <= 0:
                break
            excess -= _size(path)
            _unlink(path)
            self.files = [file for file in self.files if file.path != path]

    def _remove(self, file: Filed) -> None:
        self.files = [other for other in self.files if other is not file]
        _unlink(file.path)

    def _by_age(self) -> list[Path]:
        """The files of all models, the least recently used first."""
        return sorted(self._folder.glob(f"*{_ENDING}"), key=_used)

    def _make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # It holds what the user has written.
        self._folder.chmod(0o700)

    def _guarded(self, work: Callable[[], bool]) -> bool:
        try:
            return work()
        except OSError as error:
            self._budget = 0
            self._complain(f"what the model has read is not kept in {self._folder}: {error}")
            return True


def _name(key: bytes, tokens: list[int]) -> str:
    digest = hashlib.sha256(key + np.array(tokens, "<i4").tobytes())
    return digest.hexdigest()[:32] + _ENDING


def _head(path: Path) -> Head | None:
    try:
        return read_head(path)
    except OSError:
        return None


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _unlink(path: Path) -> None:
    # Another worker may be reading it (Windows), or may have removed it.
    with suppress(OSError):
        path.unlink()
