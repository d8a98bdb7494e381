"""Who owns which sequence of the KV cache, and what each one still holds from earlier requests.

All sequences share the cells of one unified cache; `copy` between sequences shares cells and costs
nothing. A slot keeps its tokens when its request is over, so that the next request with the same
beginning evaluates only what is new. When another slot is taken, the idle ones are parked
(`parking.py`): in the context they would slow it down.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from copilotd.engine.parking import Park, Parked, State

_WORTH_PARKING = 32
"""Fewer tokens are evaluated again in less time than it takes to look for them."""


class Cache(Protocol):
    """The operations of llama.cpp's memory that the pool needs. Positions are token indices."""

    @property
    def can_trim(self) -> bool:
        """Whether a sequence can be cut anywhere (recurrent and hybrid models cannot)."""
        ...

    def trim(self, sequence: int, start: int) -> None:
        """Forget the cells of `sequence` from position `start` on."""
        ...

    def copy(self, source: int, target: int, end: int) -> None:
        """Share the cells of `source` before position `end` with `target`."""
        ...

    def save(self, sequence: int) -> State:
        """Copy the keys and values of `sequence` out of the context."""
        ...

    def load(self, sequence: int, state: State) -> bool:
        """Copy them back into the empty `sequence`; False if there is no room for them."""
        ...


@dataclass(slots=True, eq=False)
class Slot:
    """One sequence id of the context. `tokens[i]` is evaluated at position i, in cell `cells[i]`.

    Cell numbers are the pool's own; they only say which cells two slots share.
    """

    sequence: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    busy: bool = False
    used: int = 0


class KVPool:
    """`n_slots` sequences over `n_cells` cells, and `park_bytes` of states outside of them."""

    def __init__(self, cache: Cache, n_slots: int, n_cells: int, park_bytes: int) -> None:
        self._cache = cache
        self._park = Park(park_bytes)
        self._slots = [Slot(i) for i in range(n_slots)]
        self._clock = 0
        self._holders: Counter[int] = Counter()
        self._numbers = itertools.count()
        self.n_cells = n_cells

    def cost(self, prompt: list[int], need: int) -> int:
        """Cells that a sequence of `need` tokens adds to those that running requests hold."""
        shared = [self._usable(s.tokens, prompt, s.busy) for s in self._slots if s.busy]
        return need - max(shared, default=0)

    def acquire(self, prompt: list[int]) -> Slot | None:
        """A slot that holds as much of `prompt` as any does, but not all: the last token is left.

        None if every slot is busy.
        """
        if not self.has_idle():
            return None
        slot = self._fetched(prompt) or self._taken_over(prompt)
        slot.busy = True
        self._touch(slot)
        for other in self._slots:
            if not other.busy:
                self._vacate(other)
        return slot

    def release(self, slot: Slot) -> None:
        """The request is over; what the slot holds may be used again or evicted."""
        slot.busy = False
        self._touch(slot)

    def append(self, slot: Slot, tokens: list[int]) -> None:
        """`tokens` were evaluated behind those that `slot` holds."""
        cells = list(itertools.islice(self._numbers, len(tokens)))
        self._hold(slot, tokens, cells)

    def truncate(self, slot: Slot, length: int) -> None:
        """Keep only the first `length` tokens of `slot`."""
        if length >= len(slot.tokens) and length > 0:
            return
        self._cache.trim(slot.sequence, length)
        for cell in slot.cells[length:]:
            self._holders[cell] -= 1
            if not self._holders[cell]:
                del self._holders[cell]
        del slot.tokens[length:], slot.cells[length:]

    def free_cells(self) -> int:
        """Cells that no slot holds."""
        return self.n_cells - len(self._holders)

    def busy_cells(self) -> int:
        """Cells that running requests hold, shared ones counted once."""
        return len({cell for slot in self._slots if slot.busy for cell in slot.cells})

    def has_idle(self) -> bool:
        """Whether `acquire` would find a slot."""
        return any(not slot.busy for slot in self._slots)

    def make_room(self, cells: int) -> bool:
        """Evict idle slots, the least recently used first, until `cells` are free."""
        while self.free_cells() < cells:
            if not self.evict_one():
                return False
        return True

    def evict_one(self) -> bool:
        """Take the least recently used idle slot out of the context; False if there is none."""
        idle = [slot for slot in self._slots if not slot.busy and slot.tokens]
        if not idle:
            return False
        self._vacate(min(idle, key=lambda slot: slot.used))
        return True

    def _taken_over(self, prompt: list[int]) -> Slot:
        """A slot that goes on from, or shares, the longest beginning that is in the context."""
        best = max(
            self._slots, key=lambda s: (self._usable(s.tokens, prompt, s.busy), not s.busy, s.used)
        )
        shared = self._usable(best.tokens, prompt, best.busy)
        others = [slot for slot in self._slots if not slot.busy and slot is not best]
        if not best.busy and (_goes_on(best.tokens, shared) or not others):
            if not _goes_on(best.tokens, shared):
                self._keep(best)
            self.truncate(best, shared)
            return best
        slot = self._emptied(others)
        self._share(best, slot, shared)
        return slot

    def _fetched(self, prompt: list[int]) -> Slot | None:
        """A slot with a parked state, if that has more of `prompt` than the context has."""
        here = max(self._usable(s.tokens, prompt, s.busy) for s in self._slots)
        entry, shared = self._park.best(lambda tokens: self._usable(tokens, prompt))
        if entry is None or shared <= here:
            return None
        slot = self._emptied([slot for slot in self._slots if not slot.busy])
        if not self.make_room(len(entry.tokens)):
            return None
        if not self._cache.load(slot.sequence, entry.state):
            return None
        self.append(slot, entry.tokens)
        if _goes_on(entry.tokens, shared):
            self._park.remove(entry)
        self.truncate(slot, shared)
        return slot

    def _emptied(self, idle: list[Slot]) -> Slot:
        """One of the `idle` slots, without what it held; at best it held nothing."""
        slot = min(idle, key=lambda slot: (bool(slot.tokens), slot.used))
        self._vacate(slot)
        return slot

    def _vacate(self, slot: Slot) -> None:
        """Take what `slot` holds out of the context."""
        if slot.tokens:
            self._keep(slot)
            self.truncate(slot, 0)

    def _keep(self, slot: Slot) -> None:
        """Park what `slot` holds."""
        if len(slot.tokens) >= _WORTH_PARKING and not self._park.covers(slot.tokens):
            self._park.add(Parked(list(slot.tokens), self._cache.save(slot.sequence)))

    def _usable(self, tokens: list[int], prompt: list[int], busy: bool = False) -> int:
        """How much of `prompt` need not be evaluated by one who takes `tokens` over."""
        shared = max(0, min(common_prefix(tokens, prompt), len(prompt) - 1))
        if self._cache.can_trim or (shared == len(tokens) and not busy):
            return shared
        return 0

    def _share(self, source: Slot, target: Slot, length: int) -> None:
        if length:
            self._cache.copy(source.sequence, target.sequence, length)
            self._hold(target, source.tokens[:length], source.cells[:length])

    def _hold(self, slot: Slot, tokens: list[int], cells: list[int]) -> None:
        slot.tokens.extend(tokens)
        slot.cells.extend(cells)
        self._holders.update(cells)

    def _touch(self, slot: Slot) -> None:
        self._clock += 1
        slot.used = self._clock


def _goes_on(tokens: list[int], shared: int) -> bool:
    """Whether a request that shares so much of `tokens` is the next one of the same work.

    Losing the rest is right for a document that is being typed, and wrong for a conversation of
    which only the beginning agrees.
    """
    return 2 * shared >= len(tokens)


def common_prefix(a: list[int], b: list[int]) -> int:
    """Length of the longest common beginning; compares slices, which run in C."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
