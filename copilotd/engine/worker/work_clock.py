"""How long the main thread has been at its present work, and how long that may take.

A batch of many tokens takes minutes on a slow machine. So the limit of a batch grows with its
tokens, and with the slowest measured time of a token.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from copilotd.engine.protocol import Pulse

MIN_LIMIT_S = 10.0
"""No work may look stuck before this time."""
CALIBRATION_LIMIT_S = 600.0
"""The speed that a calibration finds out is not known before."""
TOLERANCE = 20.0
"""Work may take this many times as long as the slowest measured work of its size."""
_UNMEASURED_S = 1.0
"""Seconds for a token before one is measured: slower machines are no use for completion."""


class WorkClock:
    """Timed by the main thread, read by the reading thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._limit_s = MIN_LIMIT_S
        self._slowest_token_s = 0.0

    def read(self) -> Pulse:
        """The age of the present work, and its limit, both in seconds."""
        with self._lock:
            age_s = 0.0 if self._began is None else self._clock() - self._began
            return Pulse(age_s, self._limit_s)

    def begin(self, limit_s: float = MIN_LIMIT_S) -> None:
        """The main thread begins work that takes at most `limit_s` seconds."""
        with self._lock:
            self._began, self._limit_s = self._clock(), limit_s

    def rest(self) -> None:
        """The main thread waits for a command."""
        with self._lock:
            self._began = None

    @contextmanager
    def evaluate(self, n_tokens: int) -> Iterator[None]:
        """The main thread evaluates `n_tokens` while this context is open."""
        token_s = TOLERANCE * self._slowest_token_s or _UNMEASURED_S
        self.begin(MIN_LIMIT_S + token_s * n_tokens)
        began = self._clock()
        try:
            yield
        finally:
            spent_s = (self._clock() - began) / max(1, n_tokens)
            self._slowest_token_s = max(self._slowest_token_s, spent_s)
            self.begin()
