"""Which slot of the KV cache a request gets."""

import numpy as np
import pytest

from copilotd.engine.tokens.common_prefix import common_prefix_length
from copilotd.engine.worker.kv.memory_tier import MemoryEntry, MemoryTier
from copilotd.engine.worker.kv.slot import Slot
from copilotd.engine.worker.kv.slot_pool import SlotPool
from copilotd.engine.worker.kv.state_file import SequenceState
from tests.engine.worker.kv.fake_disk_tier import NO_DISK


class RecordingKVCache:
    can_shift = True

    def __init__(self, can_trim: bool = True) -> None:
        self.can_trim = can_trim
        self.calls: list[tuple[object, ...]] = []

    def trim(self, sequence: int, start: int) -> None:
        self.calls.append(("trim", sequence, start))

    def copy(self, source: int, target: int, end: int) -> None:
        self.calls.append(("copy", source, target, end))

    def save(self, sequence: int) -> SequenceState:
        self.calls.append(("save", sequence))
        return np.zeros(40, np.uint8)

    def load(self, sequence: int, state: SequenceState) -> bool:
        self.calls.append(("load", sequence))
        return True

    def export_range(self, sequence: int, start: int, end: int) -> SequenceState:
        self.calls.append(("export_range", sequence, start, end))
        return np.zeros(40, np.uint8)

    def slice_state(self, state: SequenceState, start: int, end: int) -> SequenceState | None:
        raise AssertionError("no cells are repositioned")

    def insert(self, sequence: int, state: SequenceState, shift: int) -> bool:
        raise AssertionError("no cells are repositioned")


def make_pool(cache: RecordingKVCache, *contents: list[int], resident_cells: int = 0) -> SlotPool:
    """Make a pool of three idle slots, the first ones make_pool with `contents`."""
    memory_tier = MemoryTier(100, NO_DISK)
    pool = SlotPool(cache, memory_tier, n_slots=3, n_cells=100, resident_cells=resident_cells)
    slots = []
    for tokens in contents:
        slot = acquire(pool, [])
        pool.append(slot, tokens)
        slots.append(slot)
    for slot in slots:
        pool.release(slot)
    cache.calls.clear()
    return pool


def acquire(pool: SlotPool, prompt: list[int], *, keep_source: bool = False) -> Slot:
    slot = pool.acquire(prompt, keep_source=keep_source)
    assert slot is not None
    return slot


@pytest.mark.parametrize(
    ("a", "b", "length"),
    [
        ([], [], 0),
        ([1], [2], 0),
        ([1, 2], [1, 2], 2),
        ([1, 2, 3], [1, 2], 2),
        ([1, 2, 9], [1, 2, 3], 2),
    ],
)
def test_the_common_prefix_of_two_sequences_is_measured(
    a: list[int], b: list[int], length: int
) -> None:
    assert common_prefix_length(a, b) == length


def test_a_slot_that_holds_most_of_the_prompt_is_used_in_place() -> None:
    cache = RecordingKVCache()
    pool = make_pool(cache, [1, 2, 3, 4])
    slot = pool.acquire([1, 2, 3, 5, 6])
    assert slot is not None
    assert (slot.sequence, slot.tokens, cache.calls) == (0, [1, 2, 3], [("trim", 0, 3)])


def test_a_short_common_prefix_is_copied_and_the_rest_moves_to_memory() -> None:
    cache = RecordingKVCache()
    conversation = [1, 2, *range(100, 140)]
    pool = make_pool(cache, conversation)
    slot = pool.acquire([1, 2, 20])
    assert slot is not None
    assert (slot.sequence, slot.tokens, pool.count_free_cells()) == (1, [1, 2], 98)
    assert cache.calls == [("copy", 0, 1, 2), ("save", 0), ("trim", 0, 0)]


def test_idle_slots_move_to_memory_when_another_is_acquired_and_return_when_needed() -> None:
    cache = RecordingKVCache()
    first, second = [1] * 40, [2] * 40
    pool = make_pool(cache, first)
    other = pool.acquire(second)
    assert other is not None and other.tokens == []
    pool.append(other, second)
    pool.release(other)
    again = pool.acquire([*first, 7])
    assert again is not None and again.tokens == first
    assert cache.calls == [
        ("save", 0),
        ("trim", 0, 0),
        ("load", 2),
        ("save", 1),
        ("trim", 1, 0),
    ]


def test_the_most_recently_used_idle_slots_stay_while_they_add_few_cells() -> None:
    cache = RecordingKVCache()
    first, second, third = [1] * 40, [2] * 15, [3] * 15
    pool = make_pool(cache, first, second, third, resident_cells=30)
    slot = acquire(pool, [*third, 9])
    assert (slot.tokens, cache.calls) == (third, [("save", 0), ("trim", 0, 0)])
    assert pool.count_free_cells() == 70


def test_cells_shared_with_a_running_request_do_not_count_as_idle() -> None:
    cache = RecordingKVCache()
    prefix = [1] * 40
    pool = make_pool(cache, [*prefix, 2, 2, 2, 2, 2], resident_cells=5)
    background = acquire(pool, [*prefix, 3, 3], keep_source=True)
    assert background.tokens == prefix
    assert cache.calls == [("copy", 0, background.sequence, 40)]


def test_with_keep_source_a_slot_is_shared_and_not_truncated() -> None:
    cache = RecordingKVCache()
    live = [1, 2, 3, 4]
    pool = make_pool(cache, live, resident_cells=10)
    background = acquire(pool, [1, 2, 3, 9], keep_source=True)
    assert (background.sequence, background.tokens) == (1, [1, 2, 3])
    pool.append(background, [9])
    pool.release(background)
    again = acquire(pool, [*live, 5])
    assert (again.sequence, again.tokens) == (0, live)


def test_with_keep_source_a_slot_that_is_shared_completely_is_used_in_place() -> None:
    cache = RecordingKVCache()
    pool = make_pool(cache, [1, 2, 3])
    assert acquire(pool, [1, 2, 3, 4], keep_source=True).sequence == 0
    assert cache.calls == []


def test_with_keep_source_and_no_other_slot_the_sequence_is_saved_to_memory() -> None:
    cache = RecordingKVCache()
    pool = make_pool(cache, [1] * 40, resident_cells=100)
    for _ in range(2):
        acquire(pool, [7])
    background = acquire(pool, [*[1] * 30, 2], keep_source=True)
    assert background.tokens == [1] * 30
    assert cache.calls == [("save", 0), ("trim", 0, 30)]


def test_the_tokens_of_a_suspended_request_are_shared_and_not_truncated() -> None:
    cache = RecordingKVCache()
    pool = make_pool(cache, resident_cells=100)
    background = acquire(pool, [1, 2, 3, 4, 5, 6], keep_source=True)
    pool.append(background, [1, 2, 3, 4, 5])
    pool.suspend(background)
    completion = acquire(pool, [1, 2, 3, 4, 9])
    assert (completion.tokens, cache.calls[-1]) == ([1, 2, 3, 4], ("copy", 0, 1, 4))
    pool.release(completion)
    assert acquire(pool, [1, 2, 3, 4, 5, 6], keep_source=True).tokens == [1, 2, 3, 4, 5]


def test_a_slot_that_another_request_takes_over_is_no_longer_kept_for_the_suspended_one() -> None:
    pool = make_pool(RecordingKVCache())
    suspended = acquire(pool, [1, 2, 3])
    pool.append(suspended, [1, 2, 3])
    pool.suspend(suspended)
    pool.release(acquire(pool, [1, 2, 3, 4]))
    assert acquire(pool, [1, 2, 9]).sequence == suspended.sequence


def test_an_older_state_of_a_document_is_evicted_from_memory_before_other_documents() -> None:
    """A state has 40 bytes and two fit: the older state of the same document is evicted first."""
    pool = make_pool(RecordingKVCache())
    other, old, new = [9] * 40, [*[1] * 40, 2], [*[1] * 40, 3]
    for tokens in (other, old, new):
        slot = acquire(pool, [*tokens, 0], keep_source=True)
        pool.append(slot, tokens[len(slot.tokens) :])
        pool.release(slot)
    pool.release(acquire(pool, [5]))
    assert acquire(pool, [*other, 6]).tokens == other


def test_the_memory_tier_stays_within_its_budget() -> None:
    cache = RecordingKVCache()
    pool = make_pool(cache)
    for token in range(4):
        slot = pool.acquire([token] * 41)
        assert slot is not None
        pool.append(slot, [token] * 40)
        pool.release(slot)
    lengths = []
    for token in (2, 3, 0):
        slot = pool.acquire([token] * 41)
        assert slot is not None
        lengths.append(len(slot.tokens))
        pool.release(slot)
    assert lengths == [40, 40, 0]


def test_the_prefix_of_a_busy_slot_is_copied() -> None:
    cache = RecordingKVCache()
    pool = make_pool(cache)
    first = pool.acquire([1, 2, 3])
    assert first is not None
    pool.append(first, [1, 2, 3])
    second = pool.acquire([1, 2, 3])
    assert second is not None
    assert (second.sequence, second.tokens) == (1, [1, 2])


def test_there_is_no_slot_when_all_are_busy() -> None:
    pool = make_pool(RecordingKVCache())
    assert [pool.acquire([1]) is None for _ in range(4)] == [False, False, False, True]
    assert not pool.has_idle_slot()


def test_a_model_that_cannot_trim_its_cache_reuses_only_sequences_that_it_can_append_to() -> None:
    pool = make_pool(RecordingKVCache(can_trim=False), [1, 2, 3])
    longer, other = pool.acquire([1, 2, 3, 4]), pool.acquire([1, 2, 9])
    assert longer is not None and longer.tokens == [1, 2, 3]
    assert other is not None and other.tokens == []


def test_the_least_recently_used_idle_slot_is_evicted_first() -> None:
    cache = RecordingKVCache()
    pool = make_pool(cache)
    slots = [pool.acquire([]), pool.acquire([])]
    for slot, token in zip(slots, (1, 2), strict=True):
        assert slot is not None
        pool.append(slot, [token] * 40)
    for slot in slots:
        assert slot is not None
        pool.release(slot)
    cache.calls.clear()
    assert pool.make_room(30)
    assert (cache.calls, pool.count_free_cells()) == ([("save", 0), ("trim", 0, 0)], 60)


def test_busy_slots_are_not_evicted_to_make_room() -> None:
    pool = make_pool(RecordingKVCache(), [1] * 90)
    assert pool.acquire([1] * 91) is not None
    assert not pool.make_room(30)


def test_cells_shared_by_two_slots_count_once_and_outlive_the_first_slot() -> None:
    pool = make_pool(RecordingKVCache())
    lender = pool.acquire([1])
    assert lender is not None
    pool.append(lender, [1, 2, 3, 4, 5, 6])
    borrower = pool.acquire([1, 2, 9])
    assert borrower is not None
    assert (pool.count_free_cells(), pool.count_busy_cells()) == (94, 6)
    pool.release(lender)
    assert pool.evict_one()
    assert (pool.count_free_cells(), pool.count_busy_cells()) == (98, 2)


def test_cells_shared_with_a_running_request_are_not_counted_as_added() -> None:
    pool = make_pool(RecordingKVCache())
    first = pool.acquire([1, 2, 3])
    assert first is not None
    pool.append(first, [1, 2, 3])
    assert pool.count_added_cells([1, 2, 3, 4], n_tokens=10) == 7


def read_ahead(pool: SlotPool, tokens: list[int]) -> None:
    """Evaluate `tokens` which no request needs yet."""
    slot = pool.acquire(tokens, keep_source=True, is_read_ahead=True)
    assert slot is not None
    pool.append(slot, tokens[len(slot.tokens) :])
    pool.release(slot)


def test_text_that_is_read_ahead_waits_in_memory_and_moves_nothing_else_out() -> None:
    cache = RecordingKVCache()
    active, window = [1] * 40, [1] * 20 + [2] * 20
    pool = make_pool(cache, active)
    read_ahead(pool, window)
    assert pool.count_free_cells() == 60
    assert [call for call in cache.calls if call[0] == "save"] == [("save", 1)]
    cache.calls.clear()
    again = acquire(pool, [*active, 7])
    assert (again.sequence, again.tokens, cache.calls) == (0, active, [])
    pool.release(again)
    assert acquire(pool, [*window, 7]).tokens == window


def test_text_that_is_read_ahead_leaves_memory_before_all_other_text() -> None:
    cache = RecordingKVCache()
    conversation, place = [1] * 40, [2] * 40
    pool = make_pool(cache, conversation)
    pool.release(acquire(pool, place))
    for first in (3, 4, 5):
        read_ahead(pool, [first] * 40)
    assert pool.cached_prefix_length([*conversation, 7]) == 40
    assert pool.cached_prefix_length([3] * 41) == 0
    assert pool.cached_prefix_length([5] * 41) == 40


def test_a_place_in_a_window_leaves_memory_before_the_window() -> None:
    tier = MemoryTier(100, NO_DISK)
    window, place, other = [1] * 60, [1] * 50 + [2] * 10, [3] * 40
    for tokens, is_read_ahead in ((window, True), (place, False), (other, False)):
        tier.add(MemoryEntry(tokens, np.zeros(40, np.uint8), is_read_ahead=is_read_ahead))
    assert [entry.tokens for entry in tier.entries] == [window, other]
