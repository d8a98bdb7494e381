"""What this machine has to run a model with."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Hardware:
    """Physical cores that this process may use, and bytes of memory."""

    cores: int
    memory: int

    def __str__(self) -> str:
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        return f"{cores} and {self.memory / GIB:.0f} GiB of memory"


def detect_hardware(cgroup: Path = Path("/sys/fs/cgroup")) -> Hardware:
    """The machine that this runs on, or the share of it that a container has."""
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    return Hardware(
        cores=min(physical, _usable_cpus()),
        memory=min(psutil.virtual_memory().total, _memory_limit(cgroup)),
    )


def measure_free_memory(mapped: int, cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that a program may take while `mapped` bytes of files stay in memory for others.

    Linux counts the pages of a mapped file as free, since it could read them again.
    """
    room = min(psutil.virtual_memory().available, _left_by_cgroup(cgroup))
    return room - mapped if sys.platform == "linux" else room


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_limit(cgroup: Path) -> int:
    """What Linux grants this container, in bytes; more than any machine has if nothing says so."""
    try:
        return int((cgroup / "memory.max").read_text())
    except (OSError, ValueError):
        return 2**63


def _left_by_cgroup(cgroup: Path) -> int:
    """What Linux still grants this container, file pages counted as free; much if unlimited."""
    try:
        lines = (cgroup / "memory.stat").read_text().splitlines()
        used = int((cgroup / "memory.current").read_text())
    except (OSError, ValueError):
        return 2**63
    pages = {name: int(count) for name, _, count in (line.partition(" ") for line in lines)}
    droppable = pages.get("active_file", 0) + pages.get("inactive_file", 0)
    return _memory_limit(cgroup) - used + droppable
