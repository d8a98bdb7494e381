"""How much of the processor other programs take."""

import time

import psutil


class Others:
    """All processes but this one, on the cores that this process may use.

    What runs at low priority does not count: it makes way.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._cores = self._allowed()
        self._looked_at = time.monotonic()
        self._busy, self._own = self._busy_seconds(), self._own_seconds()

    @property
    def cores(self) -> int:
        """Cores that this process may use."""
        return len(self._cores)

    def share(self) -> float:
        """Their part of these cores since the last call, 0 to 1."""
        now, busy, own = time.monotonic(), self._busy_seconds(), self._own_seconds()
        wall = (now - self._looked_at) * self.cores
        taken = busy - self._busy - (own - self._own)
        self._looked_at, self._busy, self._own = now, busy, own
        return min(1.0, max(0.0, taken / wall)) if wall else 0.0

    def _allowed(self) -> list[int]:
        if hasattr(self._process, "cpu_affinity"):
            return list(self._process.cpu_affinity())
        return list(range(psutil.cpu_count() or 1))

    def _busy_seconds(self) -> float:
        every = psutil.cpu_times(percpu=True)
        return sum(every[core].user + every[core].system for core in self._cores)

    def _own_seconds(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system
