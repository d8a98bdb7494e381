"""Sequences of the KV cache in memory, outside the context, while no request uses them.

Attention runs over every cell up to the last one in use, whatever sequence owns it, so an idle
sequence in the context slows down each token of the others. Copying a sequence out of the context
and back takes milliseconds.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from copilotd.engine.tokens.common_prefix import (
    common_prefix_length,
    has_prefix,
    is_mostly_prefix,
)
from copilotd.engine.worker.kv.disk_tier import DiskTier
from copilotd.engine.worker.kv.state_file import SequenceState, ShouldContinue

MIN_TOKENS = 32
"""Evaluating fewer tokens again takes less time than looking for a saved copy."""

MIN_NEW_SHARE = 0.25
"""While the worker runs, a sequence is written again only if its file lacks this share of its
tokens. Writing more often would wear out disks."""

ALL_TOKENS = sys.maxsize
"""A number greater than the length of any sequence."""

SliceState = Callable[[SequenceState, int, int], SequenceState | None]
"""As `KVCache.slice_state`."""


class CachedSequence(Protocol):
    """A sequence that is kept outside the context: `tokens[i]` was evaluated at position i."""

    @property
    def tokens(self) -> list[int]:
        """The evaluated tokens."""
        ...

    @property
    def exact_length(self) -> int:
        """The number of leading tokens whose keys and values are exact (see `slot.py`)."""
        ...

    def read_state(self) -> SequenceState | None:
        """Return the keys and values; None if they are lost."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class MemoryEntry:
    """A sequence in memory; no request has needed one that `is_read_ahead`."""

    tokens: list[int]
    state: SequenceState
    exact_length: int = ALL_TOKENS
    is_read_ahead: bool = False

    def read_state(self) -> SequenceState:
        """Return the keys and values."""
        return self.state


class MemoryTier:
    """At most `budget` bytes of states in memory.

    The first state to be evicted is one that another one mostly holds, because evaluating the rest
    again is cheap. Then come those that were read ahead, then all others. Among equals, the least
    recently used one is evicted first.

    The disk tier is the next level. A file is used if it holds more tokens.
    """

    def __init__(self, budget: int, disk: DiskTier) -> None:
        self._budget = budget
        self._disk = disk
        self._entries: list[MemoryEntry] = []

    @property
    def entries(self) -> list[MemoryEntry]:
        """The sequences in memory, the newest last."""
        return self._entries

    def add(self, entry: MemoryEntry) -> None:
        """Store `entry` and drop its prefixes; entries that mostly match it are evicted next."""
        others = [e for e in self._entries if not has_prefix(entry.tokens, e.tokens)]
        others.sort(key=lambda e: not is_mostly_prefix(e.tokens, entry.tokens))
        self._entries = [*others, entry]
        while sum(len(e.state) for e in self._entries) > self._budget:
            self._entries.remove(self._choose_victim())

    def _choose_victim(self) -> MemoryEntry:
        """The state whose loss costs least."""
        copies = [(n, e) for e in self._entries if (n := self._count_own(e)) <= len(e.tokens) // 4]
        if copies:
            return min(copies, key=lambda copy: (copy[0], copy[1].is_read_ahead))[1]
        return next((e for e in self._entries if e.is_read_ahead), self._entries[0])

    def _count_own(self, entry: MemoryEntry) -> int:
        """Count the tokens of `entry` that no other entry holds, if they are a quarter or fewer."""
        length = len(entry.tokens)
        start = entry.tokens[: length - length // 4]
        alike = (e.tokens for e in self._entries if e is not entry and has_prefix(e.tokens, start))
        return length - max((common_prefix_length(entry.tokens, t) for t in alike), default=0)

    def covers(self, tokens: list[int], exact_length: int) -> bool:
        """Whether an entry begins with `tokens` and has at least as many exact tokens."""
        enough = min(exact_length, len(tokens))
        return any(e.exact_length >= enough and has_prefix(e.tokens, tokens) for e in self._entries)

    def find_longest(
        self, reusable_length: Callable[[CachedSequence], int], more_than: int
    ) -> tuple[CachedSequence, int] | None:
        """Find the sequence with the most reusable tokens, and their number.

        Among equals, the newest wins. None if no sequence has more than `more_than` tokens.
        """
        in_memory = _find_longest(reversed(self._entries), reusable_length, more_than)
        enough = (in_memory[1] if in_memory else more_than) + MIN_TOKENS
        return _find_longest(reversed(self._disk.entries), reusable_length, enough) or in_memory

    def persist_all(self, slice_state: SliceState, should_continue: ShouldContinue) -> bool:
        """Write each entry whose file is missing more than MIN_NEW_SHARE of it, newest first.

        Only the exact tokens are written; `slice_state` cuts them out of the state. Returns False
        if `should_continue` did.
        """
        return all(
            self.persist(
                e.tokens[: e.exact_length],
                partial(_slice_exact, e, slice_state),
                MIN_NEW_SHARE,
                should_continue,
            )
            for e in reversed(self._entries)
        )

    def persist(
        self,
        tokens: list[int],
        read_state: Callable[[], SequenceState | None],
        min_new_share: float,
        should_continue: ShouldContinue,
    ) -> bool:
        """Write a state if at least `min_new_share` of its tokens are in no file.

        Returns False if `should_continue` did.
        """
        if self._disk.count_missing(tokens) < max(MIN_TOKENS, min_new_share * len(tokens)):
            return True
        state = read_state()
        return state is None or self._disk.write(tokens, state, should_continue)


def _slice_exact(entry: MemoryEntry, slice_state: SliceState) -> SequenceState | None:
    if entry.exact_length >= len(entry.tokens):
        return entry.state
    return slice_state(entry.state, 0, entry.exact_length)


def _find_longest(
    entries: Iterable[CachedSequence],
    reusable_length: Callable[[CachedSequence], int],
    more_than: int,
) -> tuple[CachedSequence, int] | None:
    longest, most = None, more_than
    for entry in entries:
        if (length := reusable_length(entry)) > most:
            longest, most = entry, length
    return (longest, most) if longest is not None else None
