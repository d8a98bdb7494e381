"""The memory and CPU time of a server with all its processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psutil

INTERVAL_S = 0.25


@dataclass
class Footprint:
    """CPU seconds since the beginning, and the peak memory in bytes."""

    peak_rss: int = 0
    _before: dict[psutil.Process, float] = field(default_factory=dict)
    _after: dict[psutil.Process, float] = field(default_factory=dict)

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all processes; a process that has ended counts with its last sample."""
        return sum(self._after.values()) - sum(self._before.values())

    def take_sample(self, pid: int) -> None:
        """Read the figures of the process tree under `pid`."""
        rss = 0
        for process in _list_processes(pid):
            try:
                times = process.cpu_times()
                rss += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            self._after[process] = times.user + times.system
        self.peak_rss = max(self.peak_rss, rss)

    def begin(self, pid: int) -> None:
        """Start to count here."""
        self.take_sample(pid)
        self._before = dict(self._after)


@asynccontextmanager
async def measure_footprint(pid: int) -> AsyncIterator[Footprint]:
    """Measure the process tree under `pid` from the beginning to the end of the block."""
    used = Footprint()
    used.begin(pid)
    watcher = asyncio.create_task(_watch(used, pid))
    try:
        yield used
    finally:
        watcher.cancel()
        used.take_sample(pid)


async def _watch(used: Footprint, pid: int) -> None:
    while True:
        await asyncio.sleep(INTERVAL_S)
        used.take_sample(pid)


class CpuClock:
    """The CPU time of the processes that run in the tree under `pid` now; cheap to read."""

    def __init__(self, pid: int) -> None:
        self._processes = _list_processes(pid)

    def read_s(self) -> float:
        """CPU seconds so far; a process that has ended counts no more."""
        total = 0.0
        for process in self._processes:
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total


def _list_processes(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
