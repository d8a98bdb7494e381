"""KV caches of documents and conversations that nobody works on now, kept outside the context.

Attention runs over every cell up to the last one in use, whoever owns it, so an idle sequence in
the context slows each token of the others. Copying one out and back costs milliseconds.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from copilotd.engine.tokens.common_prefix import begins_with, mostly_in
from copilotd.engine.worker.kv.disk_tier import Archive
from copilotd.engine.worker.kv.state_file import GoOn, State

WORTH = 32
"""Fewer tokens are evaluated again in less time than it takes to look for them."""

MUCH = 0.25
"""What may be missing of a sequence in its file while work goes on: more would wear out disks."""


Cut = Callable[[State, int, int], State | None]
"""As `Cache.cut`."""

ALL = sys.maxsize
"""More tokens than any sequence has."""


class Held(Protocol):
    """What a sequence held when it left the context: `tokens[i]` was evaluated at position i."""

    @property
    def tokens(self) -> list[int]:
        """What was evaluated."""
        ...

    @property
    def exact(self) -> int:
        """How many of them, from the first on, were evaluated behind just those before them."""
        ...

    def read(self) -> State | None:
        """Its keys and values; None if they are lost."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Parked:
    """A sequence in memory."""

    tokens: list[int]
    state: State
    exact: int = ALL

    def read(self) -> State:
        """Its keys and values."""
        return self.state


class Park:
    """At most `budget` bytes of states in memory, the least recently used of which goes first.

    Behind them stands the archive, whose files are used where they hold more.
    """

    def __init__(self, budget: int, archive: Archive) -> None:
        self._budget = budget
        self._archive = archive
        self._entries: list[Parked] = []

    @property
    def entries(self) -> list[Parked]:
        """The sequences in memory, the newest last."""
        return self._entries

    def add(self, entry: Parked) -> None:
        """Keep `entry` in place of its beginnings; what it holds most of is the next to go."""
        others = [e for e in self._entries if not begins_with(entry.tokens, e.tokens)]
        others.sort(key=lambda e: not mostly_in(e.tokens, entry.tokens))
        self._entries = [*others, entry]
        while sum(len(e.state) for e in self._entries) > self._budget:
            self._entries.pop(0)

    def covers(self, tokens: list[int], exact: int) -> bool:
        """Whether an entry begins with `tokens`, as `exact` as they are: they need not be kept."""
        enough = min(exact, len(tokens))
        return any(e.exact >= enough and begins_with(e.tokens, tokens) for e in self._entries)

    def best(self, usable: Callable[[Held], int], here: int) -> tuple[Held, int] | None:
        """What holds most tokens that are usable, the newest of equals, and how many they are.

        None if that is not more than the `here` that are in the context.
        """
        kept = _longest(reversed(self._entries), usable, here)
        enough = (kept[1] if kept else here) + WORTH
        return _longest(reversed(self._archive.files), usable, enough) or kept

    def file_all(self, cut: Cut, go_on: GoOn) -> bool:
        """Write the entries of which files lack much, newest first; False if `go_on` said no.

        Only what is exact of them, for which they are `cut`.
        """
        return all(
            self.file(e.tokens[: e.exact], partial(_exact, e, cut), MUCH, go_on)
            for e in reversed(self._entries)
        )

    def file(
        self, tokens: list[int], read: Callable[[], State | None], share: float, go_on: GoOn
    ) -> bool:
        """Write a state if files lack at least `share` of its tokens; False if `go_on` said no."""
        if self._archive.lacks(tokens) < max(WORTH, share * len(tokens)):
            return True
        state = read()
        return state is None or self._archive.write(tokens, state, go_on)


def _exact(entry: Parked, cut: Cut) -> State | None:
    if entry.exact >= len(entry.tokens):
        return entry.state
    return cut(entry.state, 0, entry.exact)


def _longest(
    entries: Iterable[Held], usable: Callable[[Held], int], more_than: int
) -> tuple[Held, int] | None:
    found, most = None, more_than
    for entry in entries:
        if (length := usable(entry)) > most:
            found, most = entry, length
    return (found, most) if found is not None else None
