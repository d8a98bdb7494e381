"""Who owns which sequence of the KV cache, and what each one still holds from earlier requests.

All sequences share the cells of one unified cache; `copy` between sequences shares cells and costs
nothing. A slot keeps its tokens when its request is over, so that the next request with the same
beginning evaluates only what is new. When another slot is taken, the idle ones are parked
(`parking.py`) but for a few cells: in the context they would slow it down.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from copilotd.engine.tokens.common_prefix import common_prefix
from copilotd.engine.worker.kv.backend import Cache
from copilotd.engine.worker.kv.memory_tier import ALL, MUCH, WORTH, Held, Park, Parked
from copilotd.engine.worker.kv.state_file import GoOn, State


@dataclass(slots=True, eq=False)
class Slot:
    """One sequence id of the context. `tokens[i]` is evaluated at position i, in cell `cells[i]`.

    Cell numbers are the pool's own; they only say which cells two slots share. `wanted` says that
    the request was suspended and comes back for all of its tokens. From token `exact` on the cells
    are not those of a fresh evaluation: some were moved there (`splice.py`).
    """

    sequence: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    busy: bool = False
    wanted: bool = False
    used: int = 0
    exact: int = ALL


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

    def cost(self, prompt: list[int], need: int, loose: int = ALL) -> int:
        """Cells that a sequence of `need` tokens adds to those that running requests hold."""
        best = self._best(prompt, loose)
        shared = self._usable(best, prompt, loose, best.busy)
        if self.reach(prompt, loose) > shared:
            # What is fetched from outside comes in cells of its own.
            return need
        return need - len(self._busy().intersection(best.cells[:shared]))

    def reach(self, prompt: list[int], loose: int = ALL) -> int:
        """How much of `prompt` a slot would hold that is acquired for it."""
        here = self._here(prompt, loose)
        found = self._park.best(lambda held: self._usable(held, prompt, loose), here)
        return found[1] if found else here

    def acquire(self, prompt: list[int], loose: int = ALL, *, keep: bool = False) -> Slot | None:
        """A slot that holds as much of `prompt` as any does, but not all: the last token is left.

        From token `loose` on what was moved there will do. With `keep`, what others hold beyond
        that is kept for them. None if every slot is busy.
        """
        if not self.has_idle():
            return None
        slot = self._fetched(prompt, loose) or self._taken_over(prompt, loose, keep)
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

    def append_moved(self, slot: Slot, tokens: list[int]) -> None:
        """`tokens` were put behind those that `slot` holds, with the cells of another place."""
        slot.exact = min(slot.exact, len(slot.tokens))
        self.append(slot, tokens)

    def held(self) -> Iterator[Slot | Parked]:
        """All that is held, in the context first, the most recently used first."""
        yield from self._by_use()
        yield from reversed(self._park.entries)

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
        if length <= slot.exact:
            slot.exact = ALL

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
        return slots and self._park.file_all(self._cache.cut, go_on)

    def file_last(self, go_on: GoOn) -> bool:
        """Write what files lack of the sequence worked on last; False if `go_on` said no."""
        return self._file(self._by_use()[0], 0.0, go_on)

    def _file(self, slot: Slot, share: float, go_on: GoOn) -> bool:
        tokens = slot.tokens[: slot.exact]
        lift = partial(self._cache.lift, slot.sequence, 0, len(tokens))
        return self._park.file(tokens, lift, share, go_on)

    # --- choosing a slot ---------------------------------------------------------------------

    def _taken_over(self, prompt: list[int], loose: int, keep: bool) -> Slot:
        """A slot that goes on from, or shares, the longest beginning that is in the context."""
        best = self._best(prompt, loose)
        shared = self._usable(best, prompt, loose, best.busy)
        others = [slot for slot in self._idle() if slot is not best]
        if best.busy or (others and not _is_spent(best, shared, keep)):
            slot = self._emptied(others)
            self._share(best, slot, shared)
            return slot
        if not _is_spent(best, shared, keep):
            self._keep(best)
        self.truncate(best, shared)
        return best

    def _best(self, prompt: list[int], loose: int) -> Slot:
        """The slot with the longest beginning of `prompt`; of equals an idle one, used last."""
        return max(
            self._slots, key=lambda s: (self._usable(s, prompt, loose, s.busy), not s.busy, s.used)
        )

    def _here(self, prompt: list[int], loose: int) -> int:
        """How much of `prompt` the context has."""
        best = self._best(prompt, loose)
        return self._usable(best, prompt, loose, best.busy)

    def _fetched(self, prompt: list[int], loose: int) -> Slot | None:
        """A slot with a parked state, if that has more of `prompt` than the context has."""
        here = self._here(prompt, loose)
        while found := self._park.best(lambda held: self._usable(held, prompt, loose), here):
            entry, shared = found
            state = entry.read()
            # A file that could not be read is not found again.
            if state is not None:
                return self._loaded(entry, state, shared)
        return None

    def _loaded(self, held: Held, state: State, shared: int) -> Slot | None:
        """A slot with the first `shared` tokens; None if there is no room for the state."""
        slot = self._emptied(self._idle())
        if not self.make_room(len(held.tokens)) or not self._cache.load(slot.sequence, state):
            return None
        self.append(slot, held.tokens)
        slot.exact = held.exact
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
        if len(slot.tokens) >= WORTH and not self._park.covers(slot.tokens, slot.exact):
            state = self._cache.save(slot.sequence)
            self._park.add(Parked(list(slot.tokens), state, slot.exact))

    def _usable(self, held: Slot | Held, prompt: list[int], loose: int, busy: bool = False) -> int:
        """How much of `prompt` need not be evaluated by one who takes what is `held` over."""
        shared = max(0, min(common_prefix(held.tokens, prompt), len(prompt) - 1))
        if held.exact < loose:
            shared = min(shared, held.exact)
        if self._cache.can_trim or (shared == len(held.tokens) and not busy):
            return shared
        return 0

    # --- book-keeping ------------------------------------------------------------------------

    def _share(self, source: Slot, target: Slot, length: int) -> None:
        if length:
            self._cache.copy(source.sequence, target.sequence, length)
            self._hold(target, source.tokens[:length], source.cells[:length])
            if length > source.exact:
                target.exact = source.exact

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
