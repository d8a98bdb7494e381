"""Decides which slot a request gets, and knows what each slot holds from earlier requests.

All slots share the cells of one unified KV cache. `copy` from one sequence to another shares cells
and costs nothing. A slot keeps its tokens when its request ends, so the next request with the same
prefix evaluates only what is new. When another slot is acquired, the idle ones move to the memory
tier (`memory_tier.py`) except for a few cells, because idle cells in the context slow decoding.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from functools import partial

from copilotd.engine.worker.kv.backend import KVCache
from copilotd.engine.worker.kv.memory_tier import (
    ALL_TOKENS,
    MIN_NEW_SHARE,
    MIN_TOKENS,
    CachedSequence,
    MemoryEntry,
    MemoryTier,
)
from copilotd.engine.worker.kv.slot import PrefixQuery, Slot
from copilotd.engine.worker.kv.state_file import SequenceState, ShouldContinue


class SlotPool:
    """`n_slots` sequences that share `n_cells` cells, with a memory tier outside the context.

    Idle slots stay in the context while they hold at most `resident_cells` cells that no running
    request shares.
    """

    def __init__(
        self,
        cache: KVCache,
        memory_tier: MemoryTier,
        n_slots: int,
        n_cells: int,
        resident_cells: int,
    ) -> None:
        self._cache = cache
        self._memory_tier = memory_tier
        self._slots = [Slot(i) for i in range(n_slots)]
        self._resident_cells = resident_cells
        self._clock = 0
        self._holders: Counter[int] = Counter()
        self._cell_numbers = itertools.count()
        self.n_cells = n_cells

    def count_added_cells(
        self, prompt: list[int], n_tokens: int, approximate_from: int = ALL_TOKENS
    ) -> int:
        """Count the cells that `n_tokens` tokens add to those that running requests hold."""
        query = PrefixQuery(prompt, approximate_from)
        best, shared = self._find_best_slot(query)
        if self._find_outside(query, shared):
            # A sequence loaded from outside the context gets its own cells.
            return n_tokens
        return n_tokens - len(self._busy_cells().intersection(best.cells[:shared]))

    def cached_prefix_length(self, prompt: list[int], approximate_from: int = ALL_TOKENS) -> int:
        """Return how many tokens of `prompt` a slot acquired for it would already hold."""
        query = PrefixQuery(prompt, approximate_from)
        _, resident = self._find_best_slot(query)
        longest = self._find_outside(query, resident)
        return longest[1] if longest else resident

    def acquire(
        self,
        prompt: list[int],
        approximate_from: int = ALL_TOKENS,
        *,
        keep_source: bool = False,
        is_read_ahead: bool = False,
    ) -> Slot | None:
        """Acquire a slot with the longest cached prefix of `prompt`, without its last token.

        From token `approximate_from` on, repositioned cells may be reused. With `keep_source` the
        sequence that the prefix comes from keeps its further tokens. Text that `is_read_ahead`
        moves no other sequence out of the context. None if every slot is busy.
        """
        if not self.has_idle_slot():
            return None
        query = PrefixQuery(prompt, approximate_from)
        slot = self._restore_slot(query) or self._reuse_slot(query, keep_source)
        slot.is_busy, slot.is_suspended, slot.is_read_ahead = True, False, is_read_ahead
        self._touch(slot)
        if not is_read_ahead:
            self._move_out_idle()
        return slot

    def release(self, slot: Slot) -> None:
        """End the request of `slot`; its tokens may be reused or evicted.

        Text that was read ahead waits in the memory tier: the next keystroke should find the
        context as the last one left it.
        """
        slot.is_busy = False
        self._touch(slot)
        if slot.is_read_ahead and not slot.is_suspended:
            self._move_out(slot)

    def suspend(self, slot: Slot) -> None:
        """Pause the request of `slot`; its tokens may move, but are kept until it returns."""
        slot.is_suspended = True
        self.release(slot)

    def append(self, slot: Slot, tokens: list[int]) -> None:
        """Record that `tokens` were evaluated at the end of `slot`."""
        cells = list(itertools.islice(self._cell_numbers, len(tokens)))
        self._add_cells(slot, tokens, cells)

    def append_repositioned(self, slot: Slot, tokens: list[int]) -> None:
        """Record that `tokens` were appended to `slot` with cells from other positions."""
        slot.exact_length = min(slot.exact_length, len(slot.tokens))
        self.append(slot, tokens)

    def iter_sequences(self) -> Iterator[Slot | MemoryEntry]:
        """Yield the slots, then the memory tier's entries; each the most recently used first."""
        yield from self._slots_by_use()
        yield from reversed(self._memory_tier.entries)

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
        if length <= slot.exact_length:
            slot.exact_length = ALL_TOKENS

    # --- room --------------------------------------------------------------------------------

    def count_free_cells(self) -> int:
        """Count the cells that no slot holds."""
        return self.n_cells - len(self._holders)

    def count_busy_cells(self) -> int:
        """Count the cells that running requests hold; a shared cell counts once."""
        return len(self._busy_cells())

    def has_idle_slot(self) -> bool:
        """Whether `acquire` would return a slot."""
        return any(not slot.is_busy for slot in self._slots)

    def make_room(self, cells: int) -> bool:
        """Evict idle slots, the least recently used first, until `cells` cells are free.

        Returns False if too few become free.
        """
        while self.count_free_cells() < cells:
            if not self.evict_one():
                return False
        return True

    def evict_one(self) -> bool:
        """Move the least recently used idle slot out of the context; False if there is none."""
        idle = [slot for slot in self._idle_slots() if slot.tokens]
        if idle:
            self._move_out(idle[-1])
        return bool(idle)

    def _move_out_idle(self) -> None:
        """Move idle slots out of the context, except the most recently used ones that fit."""
        resident = self._busy_cells()
        limit = len(resident) + self._resident_cells
        for slot in self._idle_slots():
            together = resident.union(slot.cells)
            if len(together) > limit:
                self._move_out(slot)
            else:
                resident = together

    # --- disk --------------------------------------------------------------------------------

    def persist(self, should_continue: ShouldContinue) -> bool:
        """Write each sequence whose saved copy is missing more than MIN_NEW_SHARE of its tokens.

        Returns False if `should_continue` did.
        """
        slots = all(
            self._persist_slot(slot, MIN_NEW_SHARE, should_continue)
            for slot in self._slots_by_use()
        )
        return slots and self._memory_tier.persist_all(self._cache.slice_state, should_continue)

    def persist_latest(self, should_continue: ShouldContinue) -> bool:
        """Write the most recently used sequence if its saved copy is missing MIN_TOKENS or more.

        Returns False if `should_continue` did.
        """
        return self._persist_slot(self._slots_by_use()[0], 0.0, should_continue)

    def _persist_slot(
        self, slot: Slot, min_new_share: float, should_continue: ShouldContinue
    ) -> bool:
        tokens = slot.tokens[: slot.exact_length]
        read_state = partial(self._cache.export_range, slot.sequence, 0, len(tokens))
        return self._memory_tier.persist(tokens, read_state, min_new_share, should_continue)

    # --- choosing a slot ---------------------------------------------------------------------

    def _reuse_slot(self, query: PrefixQuery, keep_source: bool) -> Slot:
        """Return a slot that continues or shares the longest prefix in the context."""
        best, shared = self._find_best_slot(query)
        others = [slot for slot in self._idle_slots() if slot is not best]
        if best.is_busy or (others and not best.can_truncate(shared, keep_source)):
            slot = self._empty_one(others)
            self._share_prefix(best, slot, shared)
            return slot
        if not best.can_truncate(shared, keep_source):
            self._save_to_memory(best)
        self.truncate(best, shared)
        return best

    def _find_best_slot(self, query: PrefixQuery) -> tuple[Slot, int]:
        """Find the slot with the most reusable tokens, and their number.

        Among equals, idle slots come first, then the most recently used one.
        """
        lengths = {slot.sequence: self._reusable_length(slot, query) for slot in self._slots}
        best = max(
            self._slots, key=lambda slot: (lengths[slot.sequence], not slot.is_busy, slot.last_used)
        )
        return best, lengths[best.sequence]

    def _find_outside(
        self, query: PrefixQuery, more_than: int
    ) -> tuple[CachedSequence, int] | None:
        """Find a sequence outside the context with more than `more_than` reusable tokens."""
        return self._memory_tier.find_longest(
            lambda entry: self._reusable_length(entry, query), more_than
        )

    def _restore_slot(self, query: PrefixQuery) -> Slot | None:
        """Load a sequence from outside if it has more reusable tokens than the context."""
        _, resident = self._find_best_slot(query)
        while longest := self._find_outside(query, resident):
            entry, shared = longest
            state = entry.read_state()
            # The disk tier drops a file that cannot be read, so the loop ends.
            if state is not None:
                return self._load_slot(entry, state, shared)
        return None

    def _load_slot(self, entry: CachedSequence, state: SequenceState, shared: int) -> Slot | None:
        """Load the first `shared` tokens into a slot; None if there is no room for the state."""
        slot = self._empty_one(self._idle_slots())
        if not self.make_room(len(entry.tokens)) or not self._cache.load(slot.sequence, state):
            return None
        self.append(slot, entry.tokens)
        slot.exact_length = entry.exact_length
        self.truncate(slot, shared)
        return slot

    def _empty_one(self, idle: list[Slot]) -> Slot:
        """Empty one of the `idle` slots, preferably one that holds nothing."""
        slot = min(idle, key=lambda slot: (bool(slot.tokens), slot.last_used))
        self._move_out(slot)
        return slot

    def _move_out(self, slot: Slot) -> None:
        """Move the tokens of `slot` from the context to the memory tier."""
        if slot.tokens:
            self._save_to_memory(slot)
            self.truncate(slot, 0)

    def _save_to_memory(self, slot: Slot) -> None:
        """Copy `slot` to the memory tier, unless it is short or there already."""
        if len(slot.tokens) < MIN_TOKENS:
            return
        if not self._memory_tier.covers(slot.tokens, slot.exact_length):
            state = self._cache.save(slot.sequence)
            self._memory_tier.add(
                MemoryEntry(list(slot.tokens), state, slot.exact_length, slot.is_read_ahead)
            )

    def _reusable_length(self, source: Slot | CachedSequence, query: PrefixQuery) -> int:
        """Count the leading tokens of the prompt that can be reused from `source`."""
        shared = query.match_length(source.tokens, source.exact_length)
        is_busy = isinstance(source, Slot) and source.is_busy
        # A sequence that cannot be trimmed can only be continued, by one request at a time.
        if self._cache.can_trim or (shared == len(source.tokens) and not is_busy):
            return shared
        return 0

    # --- book-keeping ------------------------------------------------------------------------

    def _share_prefix(self, source: Slot, target: Slot, length: int) -> None:
        if length:
            self._cache.copy(source.sequence, target.sequence, length)
            self._add_cells(target, source.tokens[:length], source.cells[:length])
            if length > source.exact_length:
                target.exact_length = source.exact_length

    def _add_cells(self, slot: Slot, tokens: list[int], cells: list[int]) -> None:
        slot.tokens.extend(tokens)
        slot.cells.extend(cells)
        self._holders.update(cells)

    def _touch(self, slot: Slot) -> None:
        self._clock += 1
        slot.last_used = self._clock

    def _slots_by_use(self) -> list[Slot]:
        """All slots, the most recently used first."""
        return sorted(self._slots, key=lambda slot: slot.last_used, reverse=True)

    def _idle_slots(self) -> list[Slot]:
        return [slot for slot in self._slots_by_use() if not slot.is_busy]

    def _busy_cells(self) -> set[int]:
        return {cell for slot in self._slots if slot.is_busy for cell in slot.cells}
