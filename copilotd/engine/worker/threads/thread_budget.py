"""Limits a batch's threads to the cores that other programs leave free.

llama.cpp's threads wait for each other after every operation, hundreds of times a token. If one of
them shares its core with, say, a compiler, the others wait each time until the operating system
runs it again, and a token takes seconds. With no more threads than free cores, a token only takes
longer in proportion. (If a GPU does the work, threads that wait for the GPU look as if they were
held up; using fewer threads then costs nothing.)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from copilotd.engine.worker.threads.cpu_load import OtherLoad

MEASURE_EVERY_S = 0.3
"""In a shorter time the load of other programs cannot be measured well."""

_STALE_S = 1.0
"""A load measured over a longer time may be long past, so it takes no threads away."""
_MIN_FREE = 0.3
"""One more thread is used if at least this part of a core is free."""
_HELD_UP = 0.75
"""Threads that ran for less than this share of a batch's time had to wait for a core."""
_MIN_BATCH_S = 0.005
"""A shorter batch is too short to judge."""


def make_thread_budget() -> "ThreadBudget":
    """Make the thread budget of a context on this machine."""
    others = OtherLoad()
    return ThreadBudget(others.cores, others.measure, Clocks())


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds that have passed, and CPU seconds of all threads of this process."""

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time


class ThreadBudget:
    """The threads of one context on a machine with `cores` cores.

    `measure_load` returns the share of the cores that other programs used since its last call. Call
    `acquire` before a batch and `release` after it, in one thread.
    """

    def __init__(self, cores: int, measure_load: Callable[[], float], clocks: Clocks) -> None:
        self._cores = cores
        self._measure_load = measure_load
        self._clocks = clocks
        self._free_cores = cores
        self._measured_at = clocks.wall()
        self._wall_start = self._cpu_start = 0.0
        self._threads = 1

    def acquire(self, n_threads: int) -> int:
        """Return how many of the `n_threads` threads may run the next batch; at least one."""
        self._wall_start = self._clocks.wall()
        if self._wall_start - self._measured_at >= MEASURE_EVERY_S:
            self._update_free_cores()
        self._cpu_start = self._clocks.cpu()
        self._threads = max(1, min(n_threads, self._free_cores))
        return self._threads

    def release(self) -> float | None:
        """End the batch; returns the seconds it took, or None if its threads were held up."""
        wall = self._clocks.wall() - self._wall_start
        cpu = self._clocks.cpu() - self._cpu_start
        if wall >= _MIN_BATCH_S and cpu < _HELD_UP * wall * self._threads:
            self._free_cores = max(1, round(cpu / wall))
            self._restart_measurement()
            return None
        return wall

    def _update_free_cores(self) -> None:
        free = int(self._cores * (1 - self._measure_load()) + 1 - _MIN_FREE)
        is_stale = self._wall_start - self._measured_at > _STALE_S
        self._free_cores = max(free, self._free_cores) if is_stale else free
        self._measured_at = self._wall_start

    def _restart_measurement(self) -> None:
        # Start the next measurement of the load here.
        self._measure_load()
        self._measured_at = self._clocks.wall()
