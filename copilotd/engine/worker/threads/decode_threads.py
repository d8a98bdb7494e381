"""How many threads a single token is worth.

Decoding one token at a time waits for the memory, which one or two cores can keep busy: more
threads bring little, and take the cores from the editor and its language servers. Which number is
enough is found out on the job, by decoding some tokens with one and some with another.
"""

from statistics import median

SAMPLES = 5
"""Tokens decoded with each number of threads before they are compared."""
AGAIN = 2000
"""Tokens after which it is found out anew: the context has grown, or the machine is another."""

_WORTH = 1.3
"""So many times the best time is not too long, if fewer threads will do."""


class Thrift:
    """For who would have `wanted` threads, and has them all unless `frugal`.

    Called in one thread, by turns `threads` and `took`.
    """

    def __init__(self, wanted: int, frugal: bool = True) -> None:
        fewer = {-(-wanted * 3 // 4), -(-wanted // 2)} if frugal else set()
        self._numbers = {wanted, *fewer}
        self._seconds: dict[int, list[float]] = {}
        self._chosen = wanted
        self._tokens = 0
        self._begin()

    @property
    def threads(self) -> int:
        """For the next token."""
        if len(self._numbers) > 1 and self._missing:
            return max(self._missing, key=lambda n: (self._missing[n], n))
        return self._chosen

    def took(self, threads: int, seconds: float) -> None:
        """A token was decoded with so many threads in that time, undisturbed."""
        self._tokens += 1
        if self._tokens >= AGAIN:
            self._begin()
        if threads in self._missing:
            self._seconds[threads].append(seconds)
            if not self._missing:
                self._choose()

    @property
    def _missing(self) -> dict[int, int]:
        """Samples still to be taken, by the number of threads."""
        left = {n: SAMPLES - len(taken) for n, taken in self._seconds.items()}
        return {n: count for n, count in left.items() if count > 0}

    def _begin(self) -> None:
        self._tokens = 0
        self._seconds = {n: [] for n in self._numbers}

    def _choose(self) -> None:
        usual = {n: median(taken) for n, taken in self._seconds.items()}
        best = min(usual.values())
        self._chosen = min(n for n, seconds in usual.items() if seconds <= _WORTH * best)
