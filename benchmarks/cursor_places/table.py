"""The tables of places: what is shown at each kind in each language, and what it breaks."""

from collections.abc import Callable, Iterable, Sequence

from benchmarks.cursor_places.places import Kind
from benchmarks.intervals import Count, render_comparison
from benchmarks.json_lines import Row
from benchmarks.measure import render_spread

ALL = "all"


def render_table(rows: Sequence[Row]) -> str:
    """One line for each kind in each language, and one for all languages together."""
    lines = [f"| kind | language | {' | '.join(_FIGURES)} |", "|---" * (len(_FIGURES) + 2) + "|"]
    languages = [ALL, *dict.fromkeys(row["language"] for row in rows)]
    for kind in Kind:
        for language in languages:
            some = [
                row for row in rows if row["kind"] == kind and language in (ALL, row["language"])
            ]
            if some:
                cells = [kind, language, *(figure(some) for figure in _FIGURES.values())]
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def render_comparisons(ours: Sequence[Row], theirs: Sequence[Row]) -> str:
    """Ours less theirs for each kind, with paired 95 % intervals over the places of both."""
    by_place = {row["place"]: row for row in theirs}
    pairs = [(row, by_place[row["place"]]) for row in ours if row["place"] in by_place]
    lines = [f"| kind | {' | '.join(_COMPARED)} |", "|---" * (len(_COMPARED) + 1) + "|"]
    for kind in Kind:
        some = [pair for pair in pairs if pair[0]["kind"] == kind]
        cells = [
            render_comparison([count(one) for one, _ in some], [count(other) for _, other in some])
            for count in _COMPARED.values()
        ]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _select_shown(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["shown"]]


def _render_share(count: Callable[[Row], Count]) -> Callable[[Sequence[Row]], str]:
    def figure(rows: Sequence[Row]) -> str:
        counts = [count(row) for row in rows]
        part, whole = (int(sum(values)) for values in zip(*counts, strict=True))
        return f"{part} of {whole} = {100 * part / whole:.0f} %" if whole else "-"

    return figure


def _count_shown(row: Row) -> Count:
    return row["shown"], 1


def _count_breaks(row: Row) -> Count:
    return row["shown"] and row["errors_after"] > row["errors_before"], row["shown"]


def _count_unparsed(row: Row) -> Count:
    """A place with a deleted end that does not parse, though the whole file did."""
    counts = row["shown"] and bool(row["gold"])
    return counts and row["errors_after"] > 0, counts


def _count_refused(row: Row) -> Count:
    counts = row["shown"] and row["is_refused"] is not None
    return counts and row["is_refused"], counts


def _count_repeats(row: Row) -> Count:
    """Only where something stands behind the cursor."""
    counts = row["shown"] and bool(row["behind"].strip())
    return counts and row["repeats"], counts


def _count_exact(row: Row) -> Count:
    counts = row["shown"] and bool(row["gold"])
    return counts and row["is_exact"], counts


def _render_characters(rows: Sequence[Row]) -> str:
    deleted = [row for row in _select_shown(rows) if row["gold"]]
    right = sum(row["right_characters"] for row in deleted)
    return f"{right} of {sum(len(row['gold']) for row in deleted)}" if deleted else "-"


def _render_ms(rows: Sequence[Row]) -> str:
    return render_spread([row["ms"] for row in _select_shown(rows)])


_FIGURES: dict[str, Callable[[Sequence[Row]], str]] = {
    "places": lambda rows: str(len(rows)),
    "shown": _render_share(_count_shown),
    "failed": lambda rows: str(sum(row["status"] == "failed" for row in rows)),
    "breaks the parse": _render_share(_count_breaks),
    "does not parse": _render_share(_count_unparsed),
    "Python refuses it": _render_share(_count_refused),
    "repeats the rest of the line": _render_share(_count_repeats),
    "first line exact": _render_share(_count_exact),
    "right characters": _render_characters,
    "parts of a completion": lambda rows: str(
        sum(row["is_partial"] for row in _select_shown(rows))
    ),
    "ms, p50 / p95": _render_ms,
}
_COMPARED = {
    "shown": _count_shown,
    "breaks the parse": _count_breaks,
    "repeats the rest of the line": _count_repeats,
    "first line exact": _count_exact,
}
