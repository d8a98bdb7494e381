"""How many threads a batch is given while other programs want the processor too.

llama.cpp's threads wait for each other after every operation, hundreds of times a token. If one of
them shares its core with a compiler, say, the others wait that often until the system lets it run
again, and a token takes seconds. With no more threads than there are cores to spare, it takes only
as much longer as there are fewer of them. (Where a GPU does the work, threads that wait for it look
as if they were held up, and fewer of them cost nothing.)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from copilotd.engine.worker.threads.cpu_load import Others

LOOK_EVERY_S = 0.3
"""In less time the share of other programs is not known well."""

_STALE_S = 1.0
"""What others took over a longer time may be long past; it takes no threads away."""
_ENOUGH = 0.3
"""Of a core: as much as that must be left on it for one more thread."""
_HELD_UP = 0.75
"""Threads that got less than this share of a batch's time had to wait for a core."""
_SHORT_S = 0.005
"""A batch that is over sooner says nothing."""


def crew() -> "Crew":
    """The threads of a context on this machine."""
    others = Others()
    return Crew(others.cores, others.share, Clocks())


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds that have passed, and those that all threads of this process have worked."""

    wall: Callable[[], float] = time.perf_counter
    worked: Callable[[], float] = time.process_time


class Crew:
    """The threads of one context, on a machine with `cores`.

    `others` tells which share of the cores other programs took since it was last asked. Called in
    one thread, `out` before a batch and `back` after it.
    """

    def __init__(self, cores: int, others: Callable[[], float], clocks: Clocks) -> None:
        self._cores = cores
        self._others = others
        self._clocks = clocks
        self._spare = cores
        self._looked_at = clocks.wall()
        self._began = self._worked = 0.0
        self._threads = 1

    def out(self, wanted: int) -> int:
        """How many of the `wanted` threads are to do the batch that begins now; at least one."""
        self._began = self._clocks.wall()
        if self._began - self._looked_at >= LOOK_EVERY_S:
            self._look()
        self._worked = self._clocks.worked()
        self._threads = max(1, min(wanted, self._spare))
        return self._threads

    def back(self) -> float | None:
        """The batch is over; the seconds that it took, None if its threads were held up."""
        took = self._clocks.wall() - self._began
        worked = self._clocks.worked() - self._worked
        if took >= _SHORT_S and worked < _HELD_UP * took * self._threads:
            self._spare = max(1, round(worked / took))
            # What others took until now is an average over better times.
            self._look_later()
            return None
        return took

    def _look(self) -> None:
        spare = int(self._cores * (1 - self._others()) + 1 - _ENOUGH)
        is_stale = self._began - self._looked_at > _STALE_S
        self._spare = max(spare, self._spare) if is_stale else spare
        self._looked_at = self._began

    def _look_later(self) -> None:
        self._others()
        self._looked_at = self._clocks.wall()
