"""Finds how many threads are worth using to decode a single token.

Decoding one token at a time waits for memory, and one or two cores can saturate the memory bus.
More threads gain little and take cores from the editor and its language servers. The best number is
found while decoding: some tokens are decoded with one number of threads and some with another.
"""

from statistics import median

SAMPLES = 5
"""Tokens decoded with each number of threads before the numbers are compared."""
RESAMPLE_AFTER = 2000
"""Tokens after which the numbers are compared again: the context has grown, or the machine's load
has changed."""

_MAX_SLOWDOWN = 1.3
"""Fewer threads are used if a token takes at most this many times the best time."""


class DecodeThreads:
    """Chooses a number of threads, at most `n_threads`; always `n_threads` unless `frugal`.

    Call `threads` and `record` alternately, in one thread.
    """

    def __init__(self, n_threads: int, frugal: bool = True) -> None:
        fewer = {-(-n_threads * 3 // 4), -(-n_threads // 2)} if frugal else set()
        self._numbers = {n_threads, *fewer}
        self._seconds: dict[int, list[float]] = {}
        self._chosen = n_threads
        self._tokens = 0
        self._start_sampling()

    @property
    def threads(self) -> int:
        """The number of threads for the next token."""
        if len(self._numbers) > 1 and self._samples_left:
            return max(self._samples_left, key=lambda n: (self._samples_left[n], n))
        return self._chosen

    def record(self, threads: int, seconds: float) -> None:
        """Record that a token took `seconds` with `threads` threads, and nothing held it up."""
        self._tokens += 1
        if self._tokens >= RESAMPLE_AFTER:
            self._start_sampling()
        if threads in self._samples_left:
            self._seconds[threads].append(seconds)
            if not self._samples_left:
                self._choose()

    @property
    def _samples_left(self) -> dict[int, int]:
        """Number of samples that are still needed, by number of threads."""
        left = {n: SAMPLES - len(samples) for n, samples in self._seconds.items()}
        return {n: count for n, count in left.items() if count > 0}

    def _start_sampling(self) -> None:
        self._tokens = 0
        self._seconds = {n: [] for n in self._numbers}

    def _choose(self) -> None:
        medians = {n: median(samples) for n, samples in self._seconds.items()}
        best = min(medians.values())
        self._chosen = min(n for n, seconds in medians.items() if seconds <= _MAX_SLOWDOWN * best)
