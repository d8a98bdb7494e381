"""Sequences of the KV cache on disk; they survive a restart of the worker and the daemon.

The folder holds one file per sequence, for all models; several workers may use it at the same time.
A worker reads only the headers when it starts, and a state when a request needs its tokens.
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

from copilotd.engine.tokens.common_prefix import common_prefix_length, has_prefix, is_mostly_prefix
from copilotd.engine.worker.kv.state_file import (
    SequenceState,
    ShouldContinue,
    StateHeader,
    read_header,
    read_state,
    write_state,
)
from copilotd.files import TEMPORARY_SUFFIX

_SUFFIX = ".kv"
_MAX_WRITE_S = 3600
"""An older temporary file was left behind by a worker that was killed."""


@dataclass(frozen=True, slots=True, eq=False)
class DiskEntry:
    """A saved sequence: `tokens[i]` was evaluated at position i."""

    tokens: list[int]
    path: Path
    tier: "DiskTier"
    exact_length: int = sys.maxsize
    """All tokens are exact, because only exact ones are written."""

    def read_state(self) -> SequenceState | None:
        """Read the keys and values; if the file is lost, return None and drop this entry."""
        return self.tier.read(self)


class DiskTier:
    """At most `budget` bytes in `folder`; the least recently used file is evicted first.

    The tier reads only files with its `key`, and none if the budget is 0. `entries` lists them, the
    oldest first. If the disk fails, the tier calls `warn` once and writes nothing more.
    """

    def __init__(self, folder: Path, budget: int, key: bytes, warn: Callable[[str], None]) -> None:
        self.entries: list[DiskEntry] = []
        self._folder = folder
        self._budget = budget
        self._key = key
        self._warn = warn
        if budget:
            self._stop_on_error(self._scan_folder)

    def count_missing(self, tokens: list[int]) -> int:
        """Count the `tokens` that no file holds; 0 if nothing can be written."""
        saved = max(
            (common_prefix_length(entry.tokens, tokens) for entry in self.entries), default=0
        )
        return len(tokens) - saved if self._budget else 0

    def write(
        self, tokens: list[int], state: SequenceState, should_continue: ShouldContinue
    ) -> bool:
        """Save `state` and remove the files of its prefixes.

        Returns False if `should_continue` did.
        """
        if state.nbytes > self._budget:
            return True
        return self._stop_on_error(lambda: self._write(tokens, state, should_continue))

    def read(self, entry: DiskEntry) -> SequenceState | None:
        """Read the state of `entry` and mark it as used; a file without a valid one is removed."""
        state = None
        with suppress(OSError):
            state = read_state(entry.path, self._key, entry.tokens)
            os.utime(entry.path)
        if state is None:
            self._remove(entry)
        return state

    def _scan_folder(self) -> bool:
        self._make_folder()
        for path in self._list_by_age():
            header = _read_header(path)
            if header is None:
                _unlink(path)
            elif header.key == self._key:
                self.entries.append(DiskEntry(header.tokens, path, self))
        for path in self._folder.glob(f"*{TEMPORARY_SUFFIX}"):
            if time.time() - _last_used(path) > _MAX_WRITE_S:
                _unlink(path)
        return True

    def _write(
        self, tokens: list[int], state: SequenceState, should_continue: ShouldContinue
    ) -> bool:
        self._make_folder()
        path = self._folder / _file_name(self._key, tokens)
        if not write_state(path, self._key, tokens, state, should_continue):
            return False
        self._supersede(tokens)
        self.entries.append(DiskEntry(list(tokens), path, self))
        self._evict()
        return True

    def _supersede(self, tokens: list[int]) -> None:
        """Remove the prefixes of `tokens`; the entries that mostly match are evicted next."""
        for entry in self.entries:
            if entry.tokens == tokens:
                self._drop_entry(entry)
            elif has_prefix(tokens, entry.tokens):
                self._remove(entry)
            elif is_mostly_prefix(entry.tokens, tokens):
                with suppress(OSError):
                    os.utime(entry.path, (0, 0))

    def _evict(self) -> None:
        """Remove the oldest files, of any model, until the rest fits into the budget."""
        paths = self._list_by_age()
        excess = sum(map(_size, paths)) - self._budget
        for path in paths:
            if excess <= 0:
                break
            excess -= _size(path)
            _unlink(path)
            self.entries = [entry for entry in self.entries if entry.path != path]

    def _remove(self, entry: DiskEntry) -> None:
        self._drop_entry(entry)
        _unlink(entry.path)

    def _drop_entry(self, entry: DiskEntry) -> None:
        # A new list, since a caller may be iterating over the old one.
        self.entries = [other for other in self.entries if other is not entry]

    def _list_by_age(self) -> list[Path]:
        """List the files of all models, the least recently used first."""
        return sorted(self._folder.glob(f"*{_SUFFIX}"), key=_last_used)

    def _make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # The files hold text that the user has written, so other users must not read them.
        self._folder.chmod(0o700)

    def _stop_on_error(self, work: Callable[[], bool]) -> bool:
        """Run `work`; if the disk fails, warn once and write nothing from then on."""
        try:
            return work()
        except OSError as error:
            self._budget = 0
            self._warn(f"the KV cache is not saved in {self._folder}: {error}")
            return True


def _file_name(key: bytes, tokens: list[int]) -> str:
    digest = hashlib.sha256(key + np.array(tokens, "<i4").tobytes())
    return digest.hexdigest()[:32] + _SUFFIX


def _read_header(path: Path) -> StateHeader | None:
    try:
        return read_header(path)
    except OSError:
        return None


def _last_used(path: Path) -> float:
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
    # Another worker may be reading the file (Windows), or may have removed it.
    with suppress(OSError):
        path.unlink()
