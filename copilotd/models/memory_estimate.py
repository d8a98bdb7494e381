"""Estimates the memory of a loaded model from the header of its file."""

from dataclasses import dataclass

from copilotd.models.gguf import GgufInfo

OVERHEAD_BYTES = 128 * 2**20
"""Buffers of llama.cpp and the process itself: 90 to 150 MB for models of 0.1 to 0.5 GB."""


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Memory in bytes: `file` for the weights, `cache` for the KV cache."""

    file: int
    cache: int

    @property
    def total(self) -> int:
        """The sum, with the overhead of a worker process."""
        return self.file + self.cache + OVERHEAD_BYTES

    def __add__(self, other: "MemoryEstimate") -> "MemoryEstimate":
        """Return the estimate for two models in one process."""
        return MemoryEstimate(self.file + other.file, self.cache + other.cache)

    def __str__(self) -> str:
        file, cache = _format_gb(self.file), _format_gb(self.cache)
        return f"{_format_gb(self.total)} (file {file}, KV cache {cache})"


def estimate_memory(info: GgufInfo, n_ctx: int) -> MemoryEstimate:
    """Estimate the memory of a model with `n_ctx` tokens, or its trained context if shorter."""
    return MemoryEstimate(info.size, info.kv_bytes * min(n_ctx, info.context_length or n_ctx))


def _format_gb(count: int) -> str:
    return f"{count / 10**9:.1f} GB"
