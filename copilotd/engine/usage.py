"""Measures the cost of generations: each one, and the totals for `copilotd status`."""

import time
from dataclasses import asdict, dataclass

from copilotd.engine.types import Chunk, EngineStats, Finished, Usage


class UsageMeter:
    """Measures one generation, even if it is closed before its end."""

    def __init__(self) -> None:
        self.first_chunk_at: float | None = None
        self._reported: Usage | None = None
        self._chunks = 0

    def record(self, event: Chunk | Finished) -> None:
        """Record the next event of the generation."""
        if isinstance(event, Finished):
            self._reported = event.usage
            return
        self.first_chunk_at = self.first_chunk_at or time.perf_counter()
        self._reported = event.usage or self._reported
        self._chunks += 1

    def usage(self) -> Usage:
        """The usage that the engine last reported; each chunk after that counts as one token."""
        reported = self._reported or Usage()
        if reported.completion_tokens >= self._chunks or self.first_chunk_at is None:
            return reported
        decode_ms = (time.perf_counter() - self.first_chunk_at) * 1000
        return Usage(
            prompt_tokens=reported.prompt_tokens,
            cached_tokens=reported.cached_tokens,
            completion_tokens=self._chunks,
            queue_ms=reported.queue_ms,
            prefill_ms=reported.prefill_ms,
            decode_ms=decode_ms,
        )


@dataclass(slots=True)
class UsageTotals:
    """Sums over all generations; the fields have the names of `EngineStats`."""

    requests: int = 0
    restarts: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0

    def add(self, usage: Usage) -> None:
        """Add the usage of a generation that has ended."""
        self.prompt_tokens += usage.prompt_tokens
        self.cached_tokens += usage.cached_tokens
        self.completion_tokens += usage.completion_tokens
        self.prefill_ms += usage.prefill_ms
        self.decode_ms += usage.decode_ms

    def stats(self, running: int, waiting: int = 0) -> EngineStats:
        """The totals as the statistics of an engine that has `requests` requests now."""
        return EngineStats(running=running, waiting=waiting, **asdict(self))
