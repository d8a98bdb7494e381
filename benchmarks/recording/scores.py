"""The figures of several replays, side by side in Markdown."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measure import render_figures, render_spread
from benchmarks.recording.player import Work
from benchmarks.recording.timeline import RequestRecord

AT_ONCE_MS = 10
"""A limit below the time of any model: the text was there already."""
NEAR = 24
"""The number of prompt tokens that a key may cost; more means a place that is new to the model."""


@dataclass(frozen=True)
class Replay:
    """The replay of one side; figures that a side does not report are None."""

    side: str
    seconds: float
    rows: list[RequestRecord]
    lateness_s: float | None = None
    work: tuple[Work, Work] | None = None
    cpu_s: float | None = None
    peak_rss: int | None = None

    @property
    def shown(self) -> list[RequestRecord]:
        """The requests that were answered in time."""
        return [row for row in self.rows if row.is_shown]


def render_scores(sides: Sequence[Replay]) -> str:
    """Render one row for each figure and one column for each side."""
    return "\n".join(render_figures(FIGURES, [(side.side, side) for side in sides]))


def save(path: Path, sides: Sequence[Replay]) -> None:
    """Write everything as JSON, with a record for each request."""
    records = [
        asdict(side) | {"rows": [asdict(r) | {"is_shown": r.is_shown} for r in side.rows]}
        for side in sides
    ]
    path.write_text(json.dumps(records, indent=1), encoding="utf-8")


def _format_share(side: Replay) -> str:
    return f"{len(side.shown)} = {100 * len(side.shown) / len(side.rows):.1f} %"


def _format_shown_ms(side: Replay) -> str:
    return render_spread([row.ms for row in side.shown if row.ms is not None])


def _count_at_once(side: Replay) -> str:
    return str(sum(row.ms is not None and row.ms <= AT_ONCE_MS for row in side.shown))


def _format_later_ms(side: Replay) -> str:
    return render_spread(
        [row.ms for row in side.shown if row.ms is not None and row.ms > AT_ONCE_MS]
    )


def _format_near_ms(side: Replay) -> str:
    return _format_ms_by_tokens(side, lambda evaluated: evaluated <= NEAR)


def _format_far_ms(side: Replay) -> str:
    return _format_ms_by_tokens(side, lambda evaluated: evaluated > NEAR)


def _format_ms_by_tokens(side: Replay, is_counted: Callable[[int], bool]) -> str:
    """How many late answers evaluated a number of tokens that counts, and how late they were."""
    late = [row for row in side.shown if row.ms is not None and row.ms > AT_ONCE_MS]
    values = [row.ms for row in late if row.evaluated is not None and is_counted(row.evaluated)]
    return (
        f"{len(values)}: {render_spread([ms for ms in values if ms is not None])}"
        if values
        else "-"
    )


def _format_gold(side: Replay) -> str:
    right = sum(row.gold_characters for row in side.rows)
    return f"{right} of {sum(len(row.gold or '') for row in side.rows)}"


def _format_gold_rate(side: Replay) -> str:
    return f"{sum(row.gold_characters for row in side.rows) / side.seconds * 60:.1f}"


def _format_exact(side: Replay) -> str:
    known = [row for row in side.shown if row.gold is not None]
    return f"{sum(row.is_exact for row in known)} of {len(known)}"


def _format_tokens(part: str) -> Callable[[Replay], str]:
    def figure(side: Replay) -> str:
        if side.work is None:
            return "-"
        spent, wasted = (getattr(work, part) for work in side.work)
        return f"{spent} ({wasted})"

    return figure


def _format_known(figure: float | None, scale: float = 1.0) -> str:
    return "-" if figure is None else f"{figure * scale:.0f}"


FIGURES: dict[str, Callable[[Replay], str]] = {
    "requests": lambda side: str(len(side.rows)),
    "answered in time": _format_share,
    "ms to the text that was shown in time, p50 / p95": _format_shown_ms,
    f"shown within {AT_ONCE_MS} ms": _count_at_once,
    "ms to the other answers, p50 / p95": _format_later_ms,
    f"the same, at most {NEAR} prompt tokens evaluated, ms p50 / p95": _format_near_ms,
    f"the same, more than {NEAR} prompt tokens evaluated, ms p50 / p95": _format_far_ms,
    "gold characters shown in time": _format_gold,
    "gold characters a minute": _format_gold_rate,
    "line exact, of those shown": _format_exact,
    "prompt tokens evaluated (wasted)": _format_tokens("evaluated"),
    "tokens decoded (wasted)": _format_tokens("decoded"),
    "CPU seconds": lambda side: _format_known(side.cpu_s),
    "peak memory, MiB": lambda side: _format_known(side.peak_rss, 1 / 2**20),
    "driver's worst delay, ms": lambda side: _format_known(side.lateness_s, 1000),
}
