"""The figures of several replays, side by side in Markdown."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.intervals import Count, render_comparison
from benchmarks.measure import render_figures, render_spread
from benchmarks.recording.player import Work
from benchmarks.recording.timeline import Place, RequestRecord

T = TypeVar("T")

AT_ONCE_MS = 10
"""A limit below the time of any model: the text was there already."""
NEAR = 24
"""The number of prompt tokens that a key may cost; more means a place that is new to the model."""


@dataclass(frozen=True)
class Replay:
    """The replay of one side; figures that a side does not report are None.

    `background_cpu_s` is the part of `cpu_s` between an answer and the next request: reading ahead,
    and writing the rest of a completion of which a part was shown.
    """

    side: str
    seconds: float
    rows: list[RequestRecord]
    lateness_s: float | None = None
    work: tuple[Work, Work] | None = None
    cpu_s: float | None = None
    peak_rss: int | None = None
    background_cpu_s: float | None = None

    @property
    def foreground_cpu_s(self) -> float | None:
        """CPU seconds without background work."""
        if self.cpu_s is None or self.background_cpu_s is None:
            return None
        return self.cpu_s - self.background_cpu_s

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


def pool(replays: Sequence[Replay]) -> Replay:
    """The replays of one side of several recordings as one."""
    work = [replay.work for replay in replays if replay.work is not None]
    return Replay(
        replays[0].side,
        sum(replay.seconds for replay in replays),
        [row for replay in replays for row in replay.rows],
        max(_drop_none(replay.lateness_s for replay in replays), default=None),
        (sum((all for all, _ in work), Work()), sum((lost for _, lost in work), Work()))
        if work
        else None,
        sum(_drop_none(replay.cpu_s for replay in replays)) or None,
        max(_drop_none(replay.peak_rss for replay in replays), default=None),
        sum(_drop_none(replay.background_cpu_s for replay in replays)) or None,
    )


def render_comparisons(sides: Sequence[Replay]) -> str:
    """One row for each later side: the first side less this one, with paired 95 % intervals."""
    ours, *others = sides
    lines = [f"| {ours.side} less … | {' | '.join(COMPARED)} |", "|---" * (len(COMPARED) + 1) + "|"]
    for side in others:
        cells = [
            render_comparison([*map(count, ours.rows)], [*map(count, side.rows)], scale, unit)
            for count, scale, unit in COMPARED.values()
        ]
        lines.append(f"| {side.side} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _drop_none(values: Iterable[T | None]) -> list[T]:
    return [value for value in values if value is not None]


def _format_gold(side: Replay) -> str:
    right = sum(row.gold_characters for row in side.rows)
    return f"{right} of {sum(len(row.typed_gold) for row in side.rows)}"


def _format_gold_rate(side: Replay) -> str:
    return f"{sum(row.gold_characters for row in side.rows) / side.seconds * 60:.1f}"


def _format_exact(side: Replay) -> str:
    return _render_share([row for row in side.shown if row.is_judged])


def _format_place(place: Place) -> Callable[[Replay], str]:
    """How many texts were shown at such places, and how many of those judged are exact."""

    def figure(side: Replay) -> str:
        shown = [row for row in side.shown if row.place is place]
        return f"{len(shown)}: {_render_share([row for row in shown if row.is_judged])}"

    return figure


def _render_share(judged: Sequence[RequestRecord]) -> str:
    exact = sum(row.is_exact for row in judged)
    return f"{exact} of {len(judged)} = {100 * exact / len(judged):.1f} %" if judged else "-"


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
    "right characters shown in time, of those typed later": _format_gold,
    "right characters a minute": _format_gold_rate,
    "shown with a known line that is not blank later: exact": _format_exact,
    "shown in front of code on the line: exact": _format_place(Place.CODE),
    "shown in front of brackets, quotes or signs alone: exact": _format_place(Place.CLOSERS),
    "shown at the line's end: exact": _format_place(Place.LINE_END),
    "shown text repeats the rest of the line": lambda side: str(sum(r.repeats for r in side.rows)),
    "prompt tokens evaluated (wasted)": _format_tokens("evaluated"),
    "tokens decoded (wasted)": _format_tokens("decoded"),
    "CPU seconds": lambda side: _format_known(side.cpu_s),
    "CPU seconds without background work": lambda side: _format_known(side.foreground_cpu_s),
    "peak memory, MiB": lambda side: _format_known(side.peak_rss, 1 / 2**20),
    "driver's worst delay, ms": lambda side: _format_known(side.lateness_s, 1000),
}

COMPARED: dict[str, tuple[Callable[[RequestRecord], Count], float, str]] = {
    "answered in time": (lambda row: (row.is_shown, 1), 100, " points"),
    "exact, of those judged": (lambda row: (row.is_exact, row.is_judged), 100, " points"),
    "right characters a request": (lambda row: (row.gold_characters, 1), 1, ""),
}
"""What a request adds to each figure, and how the figure is shown."""
