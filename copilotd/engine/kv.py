"""Who owns which sequence of the KV cache, and what each one still holds from earlier requests.

All sequences share the cells of one unified cache; `copy` between sequences shares cells and costs
nothing. A slot keeps its tokens when its request is over, so that the next request with the same
beginning evaluates only what is new. The least recently used idle slot gives way first.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol


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
    """`n_slots` sequences over `n_cells` cells."""

    def __init__(self, cache: Cache, n_slots: int, n_cells: int) -> None:
        self._cache = cache
        self._slots = [Slot(i) for i in range(n_slots)]
        self._clock = 0
        self._holders: Counter[int] = Counter()
        self._numbers = itertools.count()
        self.n_cells = n_cells

    def cost(self, prompt: list[int], need: int) -> int:
        """Cells that a sequence of `need` tokens adds to those that running requests hold."""
        shared = [self._usable(slot, prompt) for slot in self._slots if slot.busy]
        return need - max(shared, default=0)

    def acquire(self, prompt: list[int]) -> Slot | None:
        """A slot that holds as much of `prompt` as any does, but not all: the last token is left.

        None if every slot is busy.
        """
        idle = [slot for slot in self._slots if not slot.busy]
        if not idle:
            return None
        best = max(self._slots, key=lambda slot: (self._usable(slot, prompt), slot.used))
        shared = self._usable(best, prompt)
        # Reusing in place loses the tail, which is right for a document that is being typed and
        # wrong for a conversation of which only the beginning agrees.
        in_place = not best.busy and 2 * shared >= len(best.tokens)
        slot = best if in_place else min(idle, key=lambda s: (bool(s.tokens), s.used))
        if slot is best:
            self.truncate(slot, shared)
        else:
            self.truncate(slot, 0)
            self._share(best, slot, shared)
        slot.busy = True
        self._touch(slot)
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
        """Forget the least recently used idle slot; False if there is none."""
        idle = [slot for slot in self._slots if not slot.busy and slot.tokens]
        if not idle:
            return False
        self.truncate(min(idle, key=lambda slot: slot.used), 0)
        return True

    def _usable(self, slot: Slot, prompt: list[int]) -> int:
        shared = max(0, min(common_prefix(slot.tokens, prompt), len(prompt) - 1))
        if self._cache.can_trim or (shared == len(slot.tokens) and not slot.busy):
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
