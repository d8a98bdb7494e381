"""What a replay came to, side by side in Markdown."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.measure import p95
from benchmarks.recording.player import Work
from benchmarks.recording.timeline import Row

AT_ONCE_MS = 10
"""Sooner than any model: the text was there already."""
NEAR = 24
"""Prompt tokens that a key may cost; more of them are read at a place new to the model."""


@dataclass(frozen=True)
class Played:
    """One side's replay; what a side cannot say is None."""

    side: str
    seconds: float
    rows: list[Row]
    lateness_s: float | None = None
    work: tuple[Work, Work] | None = None
    cpu_s: float | None = None
    peak_rss: int | None = None

    @property
    def shown(self) -> list[Row]:
        """The requests that were answered in time."""
        return [row for row in self.rows if row.is_shown]


def table(sides: Sequence[Played]) -> str:
    """A line for each figure, a column for each side."""
    lines = [f"| | {' | '.join(side.side for side in sides)} |", "|---" * (len(sides) + 1) + "|"]
    for name, figure in FIGURES.items():
        lines.append(f"| {name} | {' | '.join(figure(side) for side in sides)} |")
    return "\n".join(lines)


def save(path: Path, sides: Sequence[Played]) -> None:
    """Everything as JSON, with a record for each request."""
    records = [
        asdict(side) | {"rows": [asdict(r) | {"is_shown": r.is_shown} for r in side.rows]}
        for side in sides
    ]
    path.write_text(json.dumps(records, indent=1), encoding="utf-8")


def _share(side: Played) -> str:
    return f"{len(side.shown)} = {100 * len(side.shown) / len(side.rows):.1f} %"


def _shown_ms(side: Played) -> str:
    return _times([row.ms for row in side.shown if row.ms is not None])


def _at_once(side: Played) -> str:
    return str(sum(row.ms is not None and row.ms <= AT_ONCE_MS for row in side.shown))


def _later_ms(side: Played) -> str:
    return _times([row.ms for row in side.shown if row.ms is not None and row.ms > AT_ONCE_MS])


def _near_ms(side: Played) -> str:
    return _costing(side, lambda evaluated: evaluated <= NEAR)


def _far_ms(side: Played) -> str:
    return _costing(side, lambda evaluated: evaluated > NEAR)


def _costing(side: Played, wanted: Callable[[int], bool]) -> str:
    """How many of those that were shown late evaluated that much, and how late they were."""
    late = [row for row in side.shown if row.ms is not None and row.ms > AT_ONCE_MS]
    values = [row.ms for row in late if row.evaluated is not None and wanted(row.evaluated)]
    return f"{len(values)}: {_times([ms for ms in values if ms is not None])}" if values else "-"


def _times(values: Sequence[float]) -> str:
    return f"{median(values):.0f} / {p95(values):.0f}" if values else "-"


def _gold(side: Played) -> str:
    right = sum(row.right for row in side.rows)
    return f"{right} of {sum(len(row.gold or '') for row in side.rows)}"


def _gold_a_minute(side: Played) -> str:
    return f"{sum(row.right for row in side.rows) / side.seconds * 60:.1f}"


def _exact(side: Played) -> str:
    known = [row for row in side.shown if row.gold is not None]
    return f"{sum(row.is_exact for row in known)} of {len(known)}"


def _tokens(part: str) -> Callable[[Played], str]:
    def figure(side: Played) -> str:
        if side.work is None:
            return "-"
        spent, wasted = (getattr(work, part) for work in side.work)
        return f"{spent} ({wasted})"

    return figure


def _known(figure: float | None, scale: float = 1.0) -> str:
    return "-" if figure is None else f"{figure * scale:.0f}"


FIGURES: dict[str, Callable[[Played], str]] = {
    "requests": lambda side: str(len(side.rows)),
    "answered in time": _share,
    "ms to the text shown in time, p50 / p95": _shown_ms,
    f"shown within {AT_ONCE_MS} ms": _at_once,
    "ms to the others, p50 / p95": _later_ms,
    f"of them with at most {NEAR} prompt tokens to read, ms p50 / p95": _near_ms,
    f"of them with more than {NEAR}, ms p50 / p95": _far_ms,
    "gold characters shown in time": _gold,
    "gold characters a minute": _gold_a_minute,
    "line exact, of those shown": _exact,
    "prompt tokens evaluated (wasted)": _tokens("evaluated"),
    "tokens decoded (wasted)": _tokens("decoded"),
    "CPU seconds": lambda side: _known(side.cpu_s),
    "peak memory, MiB": lambda side: _known(side.peak_rss, 1 / 2**20),
    "driver's worst delay, ms": lambda side: _known(side.lateness_s, 1000),
}
