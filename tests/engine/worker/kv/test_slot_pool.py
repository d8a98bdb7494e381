"""Which slot of the KV cache a request gets."""

import numpy as np
import pytest

from copilotd.engine.tokens.common_prefix import common_prefix_length
from copilotd.engine.worker.kv.memory_tier import MemoryTier
from copilotd.engine.worker.kv.slot_pool import Slot, SlotPool
from copilotd.engine.worker.kv.state_file import SequenceState
from tests.engine.worker.kv.fake_disk_tier import NO_DISK


class RecordedCache:
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
        self.calls.append(("lift", sequence, start, end))
        return np.zeros(40, np.uint8)

    def slice_state(self, state: SequenceState, start: int, end: int) -> SequenceState | None:
        raise AssertionError("nothing is spliced")

    def insert(self, sequence: int, state: SequenceState, shift: int) -> bool:
        raise AssertionError("nothing is spliced")


def filled(cache: RecordedCache, *contents: list[int], resident_cells: int = 0) -> SlotPool:
    """A pool of three slots, the first of which hold `contents` and are idle."""
    park = MemoryTier(100, NO_DISK)
    pool = SlotPool(cache, park, n_slots=3, n_cells=100, resident_cells=resident_cells)
    slots = []
    for tokens in contents:
        slot = acquired(pool, [])
        pool.append(slot, tokens)
        slots.append(slot)
    for slot in slots:
        pool.release(slot)
    cache.calls.clear()
    return pool


def acquired(pool: SlotPool, prompt: list[int], *, keep: bool = False) -> Slot:
    slot = pool.acquire(prompt, keep_source=keep)
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
def test_the_common_beginning_is_found(a: list[int], b: list[int], length: int) -> None:
    assert common_prefix_length(a, b) == length


def test_a_slot_that_holds_most_of_the_prompt_is_used_in_place() -> None:
    cache = RecordedCache()
    pool = filled(cache, [1, 2, 3, 4])
    slot = pool.acquire([1, 2, 3, 5, 6])
    assert slot is not None
    assert (slot.sequence, slot.tokens, cache.calls) == (0, [1, 2, 3], [("trim", 0, 3)])


def test_a_short_common_beginning_is_copied_and_the_rest_is_parked() -> None:
    cache = RecordedCache()
    conversation = [1, 2, *range(100, 140)]
    pool = filled(cache, conversation)
    slot = pool.acquire([1, 2, 20])
    assert slot is not None
    assert (slot.sequence, slot.tokens, pool.count_free_cells()) == (1, [1, 2], 98)
    assert cache.calls == [("copy", 0, 1, 2), ("save", 0), ("trim", 0, 0)]


def test_idle_slots_are_parked_when_another_is_taken_and_fetched_when_wanted() -> None:
    cache = RecordedCache()
    first, second = [1] * 40, [2] * 40
    pool = filled(cache, first)
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


def test_the_idle_slots_used_last_stay_while_they_add_few_cells() -> None:
    cache = RecordedCache()
    first, second, third = [1] * 40, [2] * 15, [3] * 15
    pool = filled(cache, first, second, third, resident_cells=30)
    slot = acquired(pool, [*third, 9])
    assert (slot.tokens, cache.calls) == (third, [("save", 0), ("trim", 0, 0)])
    assert pool.count_free_cells() == 70


def test_cells_that_a_running_request_shares_do_not_count_as_idle() -> None:
    cache = RecordedCache()
    prefix = [1] * 40
    pool = filled(cache, [*prefix, 2, 2, 2, 2, 2], resident_cells=5)
    background = acquired(pool, [*prefix, 3, 3], keep=True)
    assert background.tokens == prefix
    assert cache.calls == [("copy", 0, background.sequence, 40)]


def test_with_keep_a_slot_is_shared_and_not_cut() -> None:
    cache = RecordedCache()
    live = [1, 2, 3, 4]
    pool = filled(cache, live, resident_cells=10)
    background = acquired(pool, [1, 2, 3, 9], keep=True)
    assert (background.sequence, background.tokens) == (1, [1, 2, 3])
    pool.append(background, [9])
    pool.release(background)
    again = acquired(pool, [*live, 5])
    assert (again.sequence, again.tokens) == (0, live)


def test_with_keep_a_slot_that_is_wholly_shared_is_used_in_place() -> None:
    cache = RecordedCache()
    pool = filled(cache, [1, 2, 3])
    assert acquired(pool, [1, 2, 3, 4], keep=True).sequence == 0
    assert cache.calls == []


def test_with_keep_and_no_other_slot_the_live_sequence_is_parked() -> None:
    cache = RecordedCache()
    pool = filled(cache, [1] * 40, resident_cells=100)
    for _ in range(2):
        acquired(pool, [7])
    background = acquired(pool, [*[1] * 30, 2], keep=True)
    assert background.tokens == [1] * 30
    assert cache.calls == [("save", 0), ("trim", 0, 30)]


def test_what_a_suspended_request_has_evaluated_is_shared_and_not_cut() -> None:
    cache = RecordedCache()
    pool = filled(cache, resident_cells=100)
    background = acquired(pool, [1, 2, 3, 4, 5, 6], keep=True)
    pool.append(background, [1, 2, 3, 4, 5])
    pool.suspend(background)
    completion = acquired(pool, [1, 2, 3, 4, 9])
    assert (completion.tokens, cache.calls[-1]) == ([1, 2, 3, 4], ("copy", 0, 1, 4))
    pool.release(completion)
    assert acquired(pool, [1, 2, 3, 4, 5, 6], keep=True).tokens == [1, 2, 3, 4, 5]


def test_what_goes_on_in_place_is_no_longer_kept_for_another() -> None:
    pool = filled(RecordedCache())
    suspended = acquired(pool, [1, 2, 3])
    pool.append(suspended, [1, 2, 3])
    pool.suspend(suspended)
    pool.release(acquired(pool, [1, 2, 3, 4]))
    assert acquired(pool, [1, 2, 9]).sequence == suspended.sequence


def test_a_document_that_moved_on_gives_way_to_others_that_are_parked() -> None:
    """Forty bytes a state, room for two: the old anchor's state goes before the other document."""
    pool = filled(RecordedCache())
    other, old, new = [9] * 40, [*[1] * 40, 2], [*[1] * 40, 3]
    for tokens in (other, old, new):
        slot = acquired(pool, [*tokens, 0], keep=True)
        pool.append(slot, tokens[len(slot.tokens) :])
        pool.release(slot)
    pool.release(acquired(pool, [5]))
    assert acquired(pool, [*other, 6]).tokens == other


def test_what_is_parked_stays_within_its_budget() -> None:
    cache = RecordedCache()
    pool = filled(cache)
    for token in range(4):
        slot = pool.acquire([token] * 41)
        assert slot is not None
        pool.append(slot, [token] * 40)
        pool.release(slot)
    found = []
    for token in (2, 3, 0):
        slot = pool.acquire([token] * 41)
        assert slot is not None
        found.append(len(slot.tokens))
        pool.release(slot)
    assert found == [40, 40, 0]


def test_the_beginning_of_a_busy_slot_is_copied() -> None:
    cache = RecordedCache()
    pool = filled(cache)
    first = pool.acquire([1, 2, 3])
    assert first is not None
    pool.append(first, [1, 2, 3])
    second = pool.acquire([1, 2, 3])
    assert second is not None
    assert (second.sequence, second.tokens) == (1, [1, 2])


def test_there_is_no_slot_when_all_are_busy() -> None:
    pool = filled(RecordedCache())
    assert [pool.acquire([1]) is None for _ in range(4)] == [False, False, False, True]
    assert not pool.has_idle_slot()


def test_a_model_that_cannot_cut_its_cache_reuses_only_what_it_can_append_to() -> None:
    pool = filled(RecordedCache(can_trim=False), [1, 2, 3])
    longer, other = pool.acquire([1, 2, 3, 4]), pool.acquire([1, 2, 9])
    assert longer is not None and longer.tokens == [1, 2, 3]
    assert other is not None and other.tokens == []


def test_the_least_recently_used_idle_slot_makes_room_first() -> None:
    cache = RecordedCache()
    pool = filled(cache)
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


def test_no_room_is_made_from_busy_slots() -> None:
    pool = filled(RecordedCache(), [1] * 90)
    assert pool.acquire([1] * 91) is not None
    assert not pool.make_room(30)


def test_cells_that_two_slots_share_are_counted_once_and_outlive_the_first() -> None:
    pool = filled(RecordedCache())
    lender = pool.acquire([1])
    assert lender is not None
    pool.append(lender, [1, 2, 3, 4, 5, 6])
    borrower = pool.acquire([1, 2, 9])
    assert borrower is not None
    assert (pool.count_free_cells(), pool.count_busy_cells()) == (94, 6)
    pool.release(lender)
    assert pool.evict_one()
    assert (pool.count_free_cells(), pool.count_busy_cells()) == (98, 2)


def test_what_a_running_request_shares_costs_a_second_one_nothing() -> None:
    pool = filled(RecordedCache())
    first = pool.acquire([1, 2, 3])
    assert first is not None
    pool.append(first, [1, 2, 3])
    assert pool.count_added_cells([1, 2, 3, 4], n_tokens=10) == 7
