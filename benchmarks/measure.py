"""Medians, 95th percentiles and ratios, and the tables that show them."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import TypeVar

import psutil

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """Measurements of the same work on two sides, `ours` and `theirs`."""

    name: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    higher_is_better: bool = False

    @property
    def ratio(self) -> float:
        """A ratio above 1 means that `ours` is better."""
        ours, theirs = median(self.ours), median(self.theirs)
        return ours / theirs if self.higher_is_better else theirs / ours


def rotate(sides: Sequence[T], by: int) -> list[T]:
    """The sides in turn: another one is first for each `by`."""
    by %= len(sides)
    return [*sides[by:], *sides[:by]]


def p95(values: Sequence[float]) -> float:
    """The 95th percentile by nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))]


def render_table(ours: str, theirs: str, rows: Sequence[Row]) -> str:
    """Render the rows as a Markdown table."""
    lines = [
        f"| what | unit | {ours}: median (p95) | {theirs}: median (p95) | ratio | runs |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        sides = [f"{median(side):.1f} ({p95(side):.1f})" for side in (row.ours, row.theirs)]
        cells = [row.name, row.unit, *sides, f"{row.ratio:.2f}", str(len(row.ours))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def render_spread(values: Sequence[float], digits: int = 0) -> str:
    """Render the median and the 95th percentile, or "-" if there are no values."""
    return f"{median(values):.{digits}f} / {p95(values):.{digits}f}" if values else "-"


def render_figures(
    figures: Mapping[str, Callable[[T], str]], columns: Sequence[tuple[str, T]]
) -> list[str]:
    """Render a Markdown table, line by line: one row for each figure, one column for each side."""
    head = [f"| | {' | '.join(name for name, _ in columns)} |", "|---" * (len(columns) + 1) + "|"]
    rows = [
        f"| {name} | {' | '.join(figure(column) for _, column in columns)} |"
        for name, figure in figures.items()
    ]
    return [*head, *rows]


def describe_machine() -> str:
    """The date and the machine, for the heading of a result."""
    memory = psutil.virtual_memory().total / 2**30
    cores = psutil.cpu_count(logical=False)
    return f"{date.today()}, {platform.machine()}, {cores} cores, {memory:.0f} GiB"
