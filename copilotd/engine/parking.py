"""KV caches of documents and conversations that nobody works on now, kept outside the context.

Attention runs over every cell up to the last one in use, whoever owns it, so an idle sequence in
the context slows each token of the others. Copying one out and back costs milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

State = NDArray[np.uint8]
"""The bytes of a sequence as llama.cpp wrote them, shape (size,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Parked:
    """What a sequence held: `tokens[i]` was evaluated at position i."""

    tokens: list[int]
    state: State


class Park:
    """At most `budget` bytes of states; the least recently used goes first."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._entries: list[Parked] = []

    def add(self, entry: Parked) -> None:
        """Keep `entry`, in place of those that are its beginning."""
        self._entries = [e for e in self._entries if e.tokens != entry.tokens[: len(e.tokens)]]
        self._entries.append(entry)
        while sum(len(e.state) for e in self._entries) > self._budget:
            self._entries.pop(0)

    def covers(self, tokens: list[int]) -> bool:
        """Whether an entry begins with `tokens`, so that they need not be kept again."""
        return any(e.tokens[: len(tokens)] == tokens for e in self._entries)

    def best(self, usable: Callable[[list[int]], int]) -> tuple[Parked | None, int]:
        """The entry of whose tokens most are usable, the newest of equals, and how many are."""
        found: Parked | None = None
        most = 0
        for entry in reversed(self._entries):
            if (length := usable(entry.tokens)) > most:
                found, most = entry, length
        return found, most

    def remove(self, entry: Parked) -> None:
        """Forget `entry`, unless it had to go already."""
        self._entries = [e for e in self._entries if e is not entry]
