"""Which slot of the KV cache a request gets."""

import pytest

from copilotd.engine.kv import KVPool, common_prefix


class RecordedCache:
    def __init__(self, can_trim: bool = True) -> None:
        self.can_trim = can_trim
        self.calls: list[tuple[object, ...]] = []

    def trim(self, sequence: int, start: int) -> None:
        self.calls.append(("trim", sequence, start))

    def copy(self, source: int, target: int, end: int) -> None:
        self.calls.append(("copy", source, target, end))


def filled(cache: RecordedCache, *contents: list[int]) -> KVPool:
    """A pool of three slots, the first of which hold `contents` and are idle."""
    pool = KVPool(cache, n_slots=3, n_cells=100)
    slots = []
    for tokens in contents:
        slot = pool.acquire([])
        assert slot is not None
        pool.append(slot, tokens)
        slots.append(slot)
    for slot in slots:
        pool.release(slot)
    cache.calls.clear()
    return pool


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
    assert common_prefix(a, b) == length


def test_a_slot_that_holds_most_of_the_prompt_is_used_in_place() -> None:
    cache = RecordedCache()
    pool = filled(cache, [1, 2, 3, 4], [7, 8, 9])
    slot = pool.acquire([1, 2, 3, 5, 6])
    assert slot is not None
    assert (slot.sequence, slot.tokens, cache.calls) == (0, [1, 2, 3], [("trim", 0, 3)])


def test_a_short_common_beginning_is_copied_so_that_the_rest_stays() -> None:
    cache = RecordedCache()
    pool = filled(cache, [1, 2, 3, 4, 5, 6], [7, 8, 9])
    slot = pool.acquire([1, 2, 20])
    assert slot is not None
    assert (slot.sequence, slot.tokens, pool.free_cells()) == (2, [1, 2], 91)
    assert cache.calls == [("trim", 2, 0), ("copy", 0, 2, 2)]


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
    assert not pool.has_idle()


def test_a_model_that_cannot_cut_its_cache_reuses_only_what_it_can_append_to() -> None:
    pool = filled(RecordedCache(can_trim=False), [1, 2, 3])
    longer, other = pool.acquire([1, 2, 3, 4]), pool.acquire([1, 2, 9])
    assert longer is not None and longer.tokens == [1, 2, 3]
    assert other is not None and other.tokens == []


def test_the_least_recently_used_idle_slot_is_evicted_first() -> None:
    cache = RecordedCache()
    pool = filled(cache, [1] * 40, [2] * 40)
    assert pool.make_room(30)
    assert cache.calls == [("trim", 0, 0)]
    assert pool.free_cells() == 60


def test_no_room_is_made_from_busy_slots() -> None:
    pool = filled(RecordedCache(), [1] * 90)
    assert pool.acquire([1] * 91) is not None
    assert not pool.make_room(30)


def test_cells_that_two_slots_share_are_counted_once_and_outlive_the_first() -> None:
    pool = filled(RecordedCache(), [1, 2, 3, 4, 5, 6])
    copy = pool.acquire([1, 2, 9])
    assert copy is not None
    assert (pool.free_cells(), pool.busy_cells()) == (94, 2)
    assert pool.evict_one()
    assert (pool.free_cells(), pool.busy_cells()) == (98, 2)


def test_what_a_running_request_shares_costs_a_second_one_nothing() -> None:
    pool = filled(RecordedCache())
    first = pool.acquire([1, 2, 3])
    assert first is not None
    pool.append(first, [1, 2, 3])
    assert pool.cost([1, 2, 3, 4], need=10) == 7
