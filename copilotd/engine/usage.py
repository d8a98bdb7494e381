"""What all generations together have cost; for `copilotd status`."""

import time
from collections import Counter

from copilotd.engine.types import Chunk, Finished, Usage


class UsageMeter:
    """Follows one generation, also one that is closed before its end."""

    def __init__(self) -> None:
        self.first_at: float | None = None
        self._usage: Usage | None = None
        self._pieces = 0

    def see(self, event: Chunk | Finished) -> None:
        """Take note of an event."""
        if isinstance(event, Finished):
            self._usage = event.usage
            return
        self.first_at = self.first_at or time.perf_counter()
        self._usage = event.usage or self._usage
        self._pieces += 1

    def usage(self) -> Usage:
        """What the worker said last; what came after that is counted in pieces."""
        used = self._usage or Usage()
        if used.completion_tokens >= self._pieces or self.first_at is None:
            return used
        decode_ms = (time.perf_counter() - self.first_at) * 1000
        return Usage(
            prompt_tokens=used.prompt_tokens,
            cached_tokens=used.cached_tokens,
            completion_tokens=self._pieces,
            queue_ms=used.queue_ms,
            prefill_ms=used.prefill_ms,
            decode_ms=decode_ms,
        )


class UsageTotals:
    """Sums over all generations, by the names of `EngineStats`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.prefill_ms = 0.0
        self.decode_ms = 0.0

    def add(self, usage: Usage) -> None:
        """One generation is over."""
        self.counts["prompt_tokens"] += usage.prompt_tokens
        self.counts["cached_tokens"] += usage.cached_tokens
        self.counts["completion_tokens"] += usage.completion_tokens
        self.prefill_ms += usage.prefill_ms
        self.decode_ms += usage.decode_ms
