"""Who owns which sequence of the KV cache, and what each one still holds from earlier requests.

All sequences share the cells of one unified cache; `copy` between sequences shares cells and costs
nothing. A slot keeps its tokens when its request is over, so that the next request with the same
beginning evaluates only what is new. When another slot is taken, the idle ones are parked
(`parking.py`) but for a few cells: in the context they would slow it down.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from copilotd.engine.parking import MUCH, WORTH, Held, Park, Parked
from copilotd.engine.prefix import common_prefix
from copilotd.engine.statefile import GoOn, State


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

    Cell numbers are the pool's own; they only say which cells two slots share. `wanted` says that
    the request was suspended and comes back for all of its tokens.
    """

    sequence: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    busy: bool = False
    wanted: bool = False
    used: int = 0


class KVPool:
    """`n_slots` sequences over `n_cells` cells, and the `park` outside of them.

    Idle slots stay in the context while they hold at most `resident_cells` that no running request
    holds too.
    """

    def __init__(
        self, cache: Cache, park: Park, n_slots: int, n_cells: int, resident_cells: int
    ) -> None:
        self._cache = cache
        self._park = park
        self._slots = [Slot(i) for i in range(n_slots)]
        self._resident_cells = resident_cells
        self._clock = 0
        self._holders: Counter[int] = Counter()
        self._numbers = itertools.count()
        self.n_cells = n_cells

    def cost(self, prompt: list[int], need: int) -> int:
        """Cells that a sequence of `need` tokens adds to those that running requests hold."""
        if self._parked(prompt):
            # What is copied into the context shares no cell.
            return need
        best, shared = self._best(prompt)
        return need - len(self._busy().intersection(best.cells[:shared]))

    def acquire(self, prompt: list[int], *, keep: bool = False) -> Slot | None:
        """A slot that holds as much of `prompt` as any does, but not all: the last token is left.

        With `keep`, what others hold beyond that is kept for them. None if every slot is busy.
        """
        if not self.has_idle():
            return None
        slot = self._fetched(prompt) or self._taken_over(prompt, keep)
        slot.busy, slot.wanted = True, False
        self._touch(slot)
        self._park_idle()
        return slot

    def release(self, slot: Slot) -> None:
        """The request is over; what the slot holds may be used again or evicted."""
        slot.busy = False
        self._touch(slot)

    def suspend(self, slot: Slot) -> None:
        """The request waits; what the slot holds may be moved, and is kept for its return."""
        slot.wanted = True
        self.release(slot)

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

    # --- room --------------------------------------------------------------------------------

    def free_cells(self) -> int:
        """Cells that no slot holds."""
        return self.n_cells - len(self._holders)

    def busy_cells(self) -> int:
        """Cells that running requests hold, shared ones counted once."""
        return len(self._busy())

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
        idle = [slot for slot in self._idle() if slot.tokens]
        if idle:
            self._vacate(idle[-1])
        return bool(idle)

    def _park_idle(self) -> None:
        """Take idle slots out of the context, but for those used last that are small enough."""
        staying = self._busy()
        room = len(staying) + self._resident_cells
        for slot in self._idle():
            together = staying.union(slot.cells)
            if len(together) > room:
                self._vacate(slot)
            else:
                staying = together

    # --- the archive -------------------------------------------------------------------------

    def file(self, go_on: GoOn) -> bool:
        """Write every sequence of which files lack much; False if `go_on` said no."""
        slots = all(self._file(slot, MUCH, go_on) for slot in self._by_use())
        return slots and self._park.file_all(go_on)

    def file_last(self, go_on: GoOn) -> bool:
        """Write what files lack of the sequence worked on last; False if `go_on` said no."""
        return self._file(self._by_use()[0], 0.0, go_on)

    def _file(self, slot: Slot, share: float, go_on: GoOn) -> bool:
        save = partial(self._cache.save, slot.sequence)
        return self._park.file(slot.tokens, save, share, go_on)

    # --- choosing a slot ---------------------------------------------------------------------

    def _taken_over(self, prompt: list[int], keep: bool) -> Slot:
        """A slot that goes on from, or shares, the longest beginning that is in the context."""
        best, shared = self._best(prompt)
        others = [slot for slot in self._idle() if slot is not best]
        if best.busy or (others and not _is_spent(best, shared, keep)):
            slot = self._emptied(others)
            self._share(best, slot, shared)
            return slot
        if not _is_spent(best, shared, keep):
            self._keep(best)
        self.truncate(best, shared)
        return best

    def _best(self, prompt: list[int]) -> tuple[Slot, int]:
        """The slot that holds most of `prompt`, and how much that is."""
        usable = {s.sequence: self._usable(s.tokens, prompt, s.busy) for s in self._slots}
        best = max(self._slots, key=lambda s: (usable[s.sequence], not s.busy, s.used))
        return best, usable[best.sequence]

    def _fetched(self, prompt: list[int]) -> Slot | None:
        """A slot with a parked state, if that has more of `prompt` than the context has."""
        while found := self._parked(prompt):
            entry, shared = found
            state = entry.read()
            # A file that could not be read is not found again.
            if state is not None:
                return self._loaded(entry.tokens, state, shared)
        return None

    def _parked(self, prompt: list[int]) -> tuple[Held, int] | None:
        """What the park has more of `prompt` than the context has, and how much it has."""
        _, here = self._best(prompt)
        return self._park.best(lambda tokens: self._usable(tokens, prompt), here)

    def _loaded(self, tokens: list[int], state: State, shared: int) -> Slot | None:
        """A slot with the first `shared` of `tokens`; None if there is no room for the state."""
        slot = self._emptied(self._idle())
        if not self.make_room(len(tokens)) or not self._cache.load(slot.sequence, state):
            return None
        self.append(slot, tokens)
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
        if len(slot.tokens) >= WORTH and not self._park.covers(slot.tokens):
            self._park.add(Parked(list(slot.tokens), self._cache.save(slot.sequence)))

    def _usable(self, tokens: list[int], prompt: list[int], busy: bool = False) -> int:
        """How much of `prompt` need not be evaluated by one who takes `tokens` over."""
        shared = max(0, min(common_prefix(tokens, prompt), len(prompt) - 1))
        if self._cache.can_trim or (shared == len(tokens) and not busy):
            return shared
        return 0

    # --- book-keeping ------------------------------------------------------------------------

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

    def _by_use(self) -> list[Slot]:
        """All slots, the most recently used first."""
        return sorted(self._slots, key=lambda slot: slot.used, reverse=True)

    def _idle(self) -> list[Slot]:
        return [slot for slot in self._by_use() if not slot.busy]

    def _busy(self) -> set[int]:
        return {cell for slot in self._slots if slot.busy for cell in slot.cells}


def _is_spent(slot: Slot, shared: int, keep: bool) -> bool:
    """Whether what `slot` holds beyond `shared` may be lost to a request that goes on from there.

    That is right for a document that is being typed, and wrong for a conversation of which only
    the beginning agrees.
    """
    if shared == len(slot.tokens):
        return True
    return not keep and not slot.wanted and 2 * shared >= len(slot.tokens)
