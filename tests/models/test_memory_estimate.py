from pathlib import Path

import pytest

from copilotd.models import gguf
from copilotd.models.memory_estimate import OVERHEAD_BYTES, MemoryEstimate, estimate_memory
from tests.models.tiny_gguf import METADATA, write_gguf

SHAPE: dict[str, object] = {
    "qwen2.block_count": 24,
    "qwen2.embedding_length": 896,
    "qwen2.attention.head_count": 14,
    "qwen2.attention.head_count_kv": 2,
}


@pytest.mark.parametrize(
    ("changed", "kv_bytes"),
    [
        ({}, 24 * 2 * (64 + 64) * 2),
        ({"attention.key_length": 128, "attention.value_length": 96}, 24 * 2 * (128 + 96) * 2),
        ({"attention.head_count_kv": [2, 0, 2]}, 24 * 14 * (64 + 64) * 2),
        ({"attention.head_count_kv": [2, 0], "attention.head_count": [14, 14]}, 24 * 2 * 896 * 2),
        ({"block_count": [1]}, 0),
    ],
)
def test_the_kv_size_of_a_token_follows_from_the_shape_of_the_model(
    tmp_path: Path, changed: dict[str, object], kv_bytes: int
) -> None:
    shape = SHAPE | {f"qwen2.{key}": value for key, value in changed.items()}
    info = gguf.read_header(write_gguf(tmp_path / "a.gguf", METADATA | shape))
    assert info.kv_bytes == kv_bytes


def test_a_model_needs_memory_for_its_file_its_kv_cache_and_overhead(tmp_path: Path) -> None:
    info = gguf.read_header(write_gguf(tmp_path / "a.gguf", METADATA | SHAPE))
    assert estimate_memory(info, 1000) == MemoryEstimate(info.size, 1000 * info.kv_bytes)
    assert estimate_memory(info, 1000).total == info.size + 1000 * info.kv_bytes + OVERHEAD_BYTES


def test_the_estimate_has_no_more_context_than_the_model_was_trained_on(tmp_path: Path) -> None:
    info = gguf.read_header(write_gguf(tmp_path / "a.gguf", METADATA | SHAPE))
    assert estimate_memory(info, 1_000_000) == estimate_memory(info, 4096)


def test_an_estimate_is_printed_with_its_parts() -> None:
    assert (
        str(MemoryEstimate(1_100_000_000, 250_000_000)) == "1.5 GB (file 1.1 GB, KV cache 0.2 GB)"
    )
