"""Keys are rotated in a saved state; each test builds the bytes of one."""

import math
import struct
from collections.abc import Sequence

import numpy as np
import pytest

from copilotd.engine.worker.kv.state_file import SequenceState
from copilotd.engine.worker.llama.rope import Rope, has_same_keys

QUARTER = math.pi / 2
Rows = Sequence[Sequence[float]]

KEYS: Rows = [[1, 2, 3, 4], [5, 6, 7, 8]]
VALUES = b"values, which stay"


def make_rope(
    *, n_rot: int = 4, base: float = 1.0, scale: float = QUARTER, is_neox: bool = True
) -> Rope:
    """With the defaults, one position rotates every pair by a quarter turn."""
    return Rope(4, n_rot, base, scale, is_neox)


def make_state(
    keys: Rows, first: int = 7, *, streams: int = 1, kind: int = 1, holders: int = 1
) -> SequenceState:
    """Build a state with one layer of `keys`, a row per cell, from position `first` on."""
    cells = b"".join(struct.pack("<iIi", first + n, holders, 4) for n in range(len(keys)))
    rows = np.array(keys, np.float16).tobytes()
    head = struct.pack("<IIII", 0xAF12, 4, streams, len(keys))
    layers = struct.pack("<IIiQ", 1, 1, kind, len(rows) // len(keys))
    return np.frombuffer(head + cells + layers + rows + VALUES, np.uint8).copy()


@pytest.mark.parametrize(
    ("rope", "expected"),
    [
        (make_rope(), [[-3, -4, 1, 2], [-7, -8, 5, 6]]),
        (make_rope(is_neox=False), [[-2, 1, -4, 3], [-6, 5, -8, 7]]),
        (make_rope(n_rot=2), [[-2, 1, 3, 4], [-6, 5, 7, 8]]),
        (make_rope(n_rot=2, is_neox=False), [[-2, 1, 3, 4], [-6, 5, 7, 8]]),
    ],
)
def test_each_pair_of_every_key_is_rotated_and_all_else_stays(rope: Rope, expected: Rows) -> None:
    rotated = rope.rotate(make_state(KEYS), 1)
    assert rotated is not None
    assert rotated.tobytes() == make_state(expected, first=8).tobytes()


def test_each_head_of_a_key_is_rotated_by_itself() -> None:
    rotated = make_rope().rotate(make_state([[1, 2, 3, 4, 5, 6, 7, 8]]), 1)
    assert rotated is not None
    assert rotated.tobytes() == make_state([[-3, -4, 1, 2, -7, -8, 5, 6]], first=8).tobytes()


def test_later_pairs_are_rotated_less() -> None:
    rotated = make_rope(base=100.0, scale=1.0).rotate(make_state([[1, 1, 0, 0]]), 2)
    assert rotated is not None
    expected = [math.cos(2), math.cos(0.2), math.sin(2), math.sin(0.2)]
    assert rotated.tobytes() == make_state([expected], first=9).tobytes()


def test_the_original_state_is_not_changed() -> None:
    before = make_state(KEYS)
    make_rope().rotate(before, 1)
    assert before.tobytes() == make_state(KEYS).tobytes()


@pytest.mark.parametrize("shift", [-7, 3, 4000])
def test_keys_rotated_there_and_back_are_the_same(shift: int) -> None:
    rope = make_rope(base=10000.0, scale=1.0)
    there = rope.rotate(make_state(KEYS, first=50), shift)
    back = rope.rotate(there, -shift) if there is not None else None
    assert back is not None
    assert has_same_keys(back, make_state(KEYS, first=50), rope)


@pytest.mark.parametrize(
    "other",
    [
        make_state(KEYS, first=8),
        make_state([[1, 2, 3, 4], [5, 6, 7, 9]]),
        make_rope(base=1.1).rotate(make_state(KEYS, first=6), 1),
    ],
)
def test_other_positions_and_other_keys_are_not_the_same(other: SequenceState) -> None:
    assert not has_same_keys(make_state(KEYS), other, make_rope())


@pytest.mark.parametrize(
    "unknown",
    [
        make_state(KEYS, streams=2),
        make_state(KEYS, holders=2),
        make_state(KEYS, kind=8),
        make_state([[1, 2, 3], [4, 5, 6]]),
        make_state(KEYS)[:10],
        make_state(KEYS)[:30],
        make_state(KEYS)[:44],
        make_state(KEYS)[: -len(VALUES) - 2],
    ],
)
def test_a_state_with_an_unknown_layout_is_not_rotated(unknown: SequenceState) -> None:
    assert make_rope().rotate(unknown, 1) is None


QWEN = {
    "attention.head_count": "14",
    "embedding_length": "896",
    "rope.freq_base": "1000000.000000",
}


@pytest.mark.parametrize(
    ("kind", "metadata", "expected"),
    [
        (2, QWEN, Rope(64, 64, 1e6, 1.0, is_neox=True)),
        (0, QWEN, Rope(64, 64, 1e6, 1.0, is_neox=False)),
        (2, QWEN | {"attention.key_length": "128"}, Rope(128, 128, 1e6, 1.0, is_neox=True)),
        (2, QWEN | {"rope.dimension_count": "32"}, Rope(64, 32, 1e6, 1.0, is_neox=True)),
        (2, QWEN | {"rope.freq_base": ""}, Rope(64, 64, 1e4, 1.0, is_neox=True)),
        (-1, QWEN, None),
        (8, QWEN, None),
        (2, QWEN | {"attention.head_count": "[14, 12]"}, None),
        (2, QWEN | {"attention.head_count": "0"}, None),
        (2, {}, None),
    ],
)
def test_the_rope_parameters_are_read_from_the_models_metadata(
    kind: int, metadata: dict[str, str], expected: Rope | None
) -> None:
    assert Rope.from_metadata(kind, 1.0, lambda key: metadata.get(key, "")) == expected
