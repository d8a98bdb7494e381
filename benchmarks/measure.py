"""Medians, 95th percentiles and ratios, and the table they are shown in."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

import psutil


@dataclass(frozen=True)
class Row:
    """The same work on two sides; `higher_is_better` decides which way the ratio goes."""

    name: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    higher_is_better: bool = False

    @property
    def ratio(self) -> float:
        """Above 1 means that ours is the better side."""
        ours, theirs = median(self.ours), median(self.theirs)
        return ours / theirs if self.higher_is_better else theirs / ours


def p95(values: Sequence[float]) -> float:
    """The 95th percentile by nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))]


def render_table(ours: str, theirs: str, rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    lines = [
        f"| what | unit | {ours}: median (p95) | {theirs}: median (p95) | ratio | runs |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        sides = [f"{median(side):.1f} ({p95(side):.1f})" for side in (row.ours, row.theirs)]
        cells = [row.name, row.unit, *sides, f"{row.ratio:.2f}", str(len(row.ours))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def describe_machine() -> str:
    """Day and machine, for the heading of a result."""
    memory = psutil.virtual_memory().total / 2**30
    cores = psutil.cpu_count(logical=False)
    return f"{date.today()}, {platform.machine()}, {cores} cores, {memory:.0f} GiB"
