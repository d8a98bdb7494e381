"""How much of the machine's processors other programs take."""

import time

import psutil


class Others:
    """All processes but this one."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._looked_at, self._own = time.monotonic(), self._cpu_seconds()
        psutil.cpu_percent()

    def share(self) -> float:
        """Their part of all processors since the last call, 0 to 1."""
        wall = time.monotonic() - self._looked_at
        used = self._cpu_seconds() - self._own
        self._looked_at, self._own = self._looked_at + wall, self._own + used
        own = used / (wall * (psutil.cpu_count() or 1)) if wall else 0.0
        return min(1.0, max(0.0, psutil.cpu_percent() / 100 - own))

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system
