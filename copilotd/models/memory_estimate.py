"""How much memory a model takes once it is loaded, estimated from the header of its file."""

from dataclasses import dataclass

from copilotd.models.gguf import GgufInfo

WORKING = 128 * 2**20
"""Buffers of llama.cpp and the process itself: 90 to 150 MB with models of 0.1 to 0.5 GB."""


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes for the file, for the KV cache, and in all."""

    file: int
    cache: int

    @property
    def total(self) -> int:
        """With what any model needs to work."""
        return self.file + self.cache + WORKING

    def __add__(self, other: "MemoryEstimate") -> "MemoryEstimate":
        """Of both in one process."""
        return MemoryEstimate(self.file + other.file, self.cache + other.cache)

    def __str__(self) -> str:
        return f"{_gb(self.total)} (file {_gb(self.file)}, KV cache {_gb(self.cache)})"


def estimate_memory(info: GgufInfo, n_ctx: int) -> MemoryEstimate:
    """What a model takes with a context of `n_ctx` tokens, or all that it was trained on."""
    return MemoryEstimate(info.size, info.kv_bytes * min(n_ctx, info.context_length or n_ctx))


def _gb(count: int) -> str:
    return f"{count / 10**9:.1f} GB"
