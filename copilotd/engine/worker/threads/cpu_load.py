"""How much of the processor other programs use."""

import time

import psutil


class OtherLoad:
    """The CPU load of all processes but this one, on the cores that this process may use.

    Low-priority processes do not count, because they give way.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._cores = self._allowed_cores()
        self._measured_at = time.monotonic()
        self._busy, self._own = self._busy_seconds(), self._own_seconds()

    @property
    def cores(self) -> int:
        """The number of cores that this process may use."""
        return len(self._cores)

    def measure(self) -> float:
        """Measure the share of these cores that others used since the last call, 0 to 1."""
        now, busy, own = time.monotonic(), self._busy_seconds(), self._own_seconds()
        available = (now - self._measured_at) * self.cores
        used = busy - self._busy - (own - self._own)
        self._measured_at, self._busy, self._own = now, busy, own
        return min(1.0, max(0.0, used / available)) if available else 0.0

    def _allowed_cores(self) -> list[int]:
        if hasattr(self._process, "cpu_affinity"):
            return list(self._process.cpu_affinity())
        return list(range(psutil.cpu_count() or 1))

    def _busy_seconds(self) -> float:
        # `nice` time is left out: that is the time of low-priority processes.
        times = psutil.cpu_times(percpu=True)
        return sum(times[core].user + times[core].system for core in self._cores)

    def _own_seconds(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system
