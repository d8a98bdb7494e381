"""The moment at which a process stops computing."""

import time
from collections import deque

import psutil

WINDOW_S = 0.03
SHARE = 0.1
INTERVAL_S = 0.003
TIMEOUT_S = 60.0


class IdleDetector:
    """Finds the first `WINDOW_S` in which a process uses less than `SHARE` of one core."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()

    def add_sample(self, at: float, cpu_s: float) -> float | None:
        """Add the CPU time used up to `at`. Return the start of an idle window that ends here."""
        self._samples.append((at, cpu_s))
        while len(self._samples) > 1 and self._samples[1][0] <= at - WINDOW_S:
            self._samples.popleft()
        start, used = self._samples[0]
        duration = at - start
        if duration < WINDOW_S or cpu_s - used >= SHARE * duration:
            return None
        return start


def wait_until_idle(pid: int) -> float:
    """Wait until the process is idle. Return the time when it became idle, by `time.perf_counter`.

    Raises: TimeoutError after `TIMEOUT_S`.
    """
    process, detector = psutil.Process(pid), IdleDetector()
    until = time.perf_counter() + TIMEOUT_S
    while (now := time.perf_counter()) < until:
        used = process.cpu_times()
        if (start := detector.add_sample(now, used.user + used.system)) is not None:
            return start
        time.sleep(INTERVAL_S)
    raise TimeoutError(f"process {pid} computes for more than {TIMEOUT_S:.0f} s")


def find_worker(pid: int) -> int:
    """The child process in which a daemon computes.

    Raises: LookupError if no model is loaded.
    """
    for child in psutil.Process(pid).children():
        if "copilotd.engine.worker.main" in child.cmdline():
            return child.pid
    raise LookupError(f"the daemon {pid} has no worker")
