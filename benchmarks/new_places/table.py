"""The tables: each side after each idle time, and the differences at the same holes."""

from collections.abc import Callable, Sequence

from benchmarks.intervals import Count, render_comparison
from benchmarks.json_lines import Row
from benchmarks.measure import render_figures, render_spread

Column = tuple[str, float]
"""A side, and the idle time in units of the time that reading the file takes."""


def render_table(rows: Sequence[Row]) -> str:
    """One row for each figure and one column for each side and idle time."""
    columns = [(_name(column), _select(rows, column)) for column in _list_columns(rows)]
    return "\n".join(render_figures(_FIGURES, columns))


def render_comparisons(rows: Sequence[Row], ours: str) -> str:
    """Our side less each other one, after each idle time, over the holes of both.

    A side that is asked at once is compared with all of ours.
    """
    lines = [f"| | {' | '.join(_COMPARED)} | holes |", "|---" * (len(_COMPARED) + 2) + "|"]
    columns = _list_columns(rows)
    for mine in (column for column in columns if column[0] == ours):
        for side in dict.fromkeys(side for side, _ in columns if side != ours):
            other = (side, mine[1] if (side, mine[1]) in columns else 0.0)
            cells = _compare(_select(rows, mine), _select(rows, other))
            lines.append(f"| {_name(mine)} less {_name(other)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _compare(ours: Sequence[Row], theirs: Sequence[Row]) -> list[str]:
    by_hole = {row["hole"]: row for row in theirs}
    pairs = [(row, by_hole[row["hole"]]) for row in ours if row["hole"] in by_hole]
    cells = [
        render_comparison(
            [count(one) for one, _ in pairs], [count(other) for _, other in pairs], scale, unit
        )
        for count, scale, unit in _COMPARED.values()
    ]
    return [*cells, str(len(pairs))]


def _list_columns(rows: Sequence[Row]) -> list[Column]:
    return sorted({(row["side"], row["idle"]) for row in rows})


def _select(rows: Sequence[Row], column: Column) -> list[Row]:
    return [row for row in rows if (row["side"], row["idle"]) == column]


def _name(column: Column) -> str:
    side, idle = column
    return f"{side}, idle {idle:g}"


def _spread(key: str, digits: int = 0) -> Callable[[Sequence[Row]], str]:
    def figure(rows: Sequence[Row]) -> str:
        return render_spread([row[key] for row in rows if row[key] is not None], digits)

    return figure


def _render_share(key: str) -> Callable[[Sequence[Row]], str]:
    def figure(rows: Sequence[Row]) -> str:
        right = sum(row[key] for row in rows)
        return f"{right} of {len(rows)} = {100 * right / len(rows):.1f} %"

    return figure


def _render_characters(rows: Sequence[Row]) -> str:
    return f"{sum(row['right_characters'] for row in rows)} of {sum(len(r['gold']) for r in rows)}"


_FIGURES: dict[str, Callable[[Sequence[Row]], str]] = {
    "holes": lambda rows: str(len(rows)),
    "files": lambda rows: str(len({row["file"] for row in rows})),
    "shown": lambda rows: str(sum(row["first_ms"] is not None for row in rows)),
    "first line exact in the first text": _render_share("is_exact_at_first"),
    "first line exact once it is written": _render_share("is_exact"),
    "right characters of the first line": _render_characters,
    "ms to the first text, p50 / p95": _spread("first_ms"),
    "prompt tokens evaluated for the answer, p50 / p95": _spread("evaluated"),
    "CPU seconds of the answer, p50 / p95": _spread("answer_cpu_s", 1),
    "tokens of the file, p50 / p95": _spread("file_tokens"),
    "seconds idle, p50 / p95": _spread("idle_s", 1),
    "CPU seconds while idle, p50 / p95": _spread("idle_cpu_s", 1),
}
_COMPARED: dict[str, tuple[Callable[[Row], Count], float, str]] = {
    "first line exact": (lambda row: (row["is_exact"], 1), 100, " points"),
    "right characters": (lambda row: (row["right_characters"], len(row["gold"])), 100, " points"),
    "ms to the first text": (
        lambda row: (row["first_ms"] or 0, row["first_ms"] is not None),
        1,
        " ms",
    ),
}
