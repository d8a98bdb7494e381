"""The processor cores and the memory that a model may use on this machine."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Hardware:
    """Number of physical cores that this process may use, and memory in bytes."""

    cores: int
    memory: int

    def __str__(self) -> str:
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        return f"{cores} and {self.memory / GIB:.0f} GiB of memory"


def detect_hardware(cgroup: Path = Path("/sys/fs/cgroup")) -> Hardware:
    """Return the hardware of this machine, or the share that this container has."""
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    return Hardware(
        cores=min(physical, _count_usable_cpus()),
        memory=min(psutil.virtual_memory().total, _read_memory_limit(cgroup)),
    )


def measure_free_memory(mapped: int, cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many bytes can be allocated while `mapped` bytes of files stay in memory.

    Linux counts the pages of a mapped file as free, because it can read them again. The pages of a
    loaded model are in use, so they are subtracted.
    """
    available = min(psutil.virtual_memory().available, _read_unused_memory(cgroup))
    return available - mapped if sys.platform == "linux" else available


def _count_usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_memory_limit(cgroup: Path) -> int:
    """Return the memory limit of this container in bytes; 2**63 without a limit."""
    try:
        return int((cgroup / "memory.max").read_text())
    except (OSError, ValueError):
        return 2**63


def _read_unused_memory(cgroup: Path) -> int:
    """Return the bytes that this container may still use, with file pages; 2**63 if unlimited."""
    try:
        lines = (cgroup / "memory.stat").read_text().splitlines()
        used = int((cgroup / "memory.current").read_text())
    except (OSError, ValueError):
        return 2**63
    pages = {name: int(count) for name, _, count in (line.partition(" ") for line in lines)}
    reclaimable = pages.get("active_file", 0) + pages.get("inactive_file", 0)
    return _read_memory_limit(cgroup) - used + reclaimable
