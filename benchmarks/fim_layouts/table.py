"""The tables of the frontier: one for each kind of hole, with one row for each recipe."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, median

from benchmarks.fim_layouts.outcomes import OutcomeFile, RecipeOutcome
from benchmarks.fim_layouts.recipes import FULL
from benchmarks.measure import p95

_Z = 1.96


@dataclass(frozen=True, slots=True)
class Summary:
    """One recipe on all holes of one kind."""

    name: str
    right: int
    holes: int
    wins: int
    losses: int
    evaluated: Sequence[int]
    new_lines: Sequence[int]
    steps: Sequence[int]
    first_ms: Sequence[float]

    @property
    def share(self) -> float:
        """Right lines in percent."""
        return 100 * self.right / self.holes

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share, in percent."""
        n, p = self.holes, self.right / self.holes
        centre = p + _Z**2 / (2 * n)
        spread = _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        scale = 100 / (1 + _Z**2 / n)
        return (centre - spread) * scale, (centre + spread) * scale

    @property
    def cost(self) -> float:
        """Tokens evaluated per keystroke, mean."""
        return mean(self.evaluated)


def summarize(outcomes: OutcomeFile, source: str, names: Iterable[str]) -> list[Summary]:
    """The recipes that were tried on the holes of `source`."""
    holes = [hole for hole, its in outcomes.sources.items() if its == source]
    return [
        _summarize_recipe(outcomes, name, tried)
        for name in names
        if (tried := [hole for hole in holes if name in outcomes.by_recipe[hole]])
    ]


def render_tables(outcomes: OutcomeFile, names: Sequence[str]) -> str:
    """All tables in Markdown."""
    sources = dict.fromkeys(outcomes.sources.values())
    return "\n".join(
        _render_table(source, summarize(outcomes, source, names)) for source in sources
    )


def _summarize_recipe(outcomes: OutcomeFile, name: str, holes: list[str]) -> Summary:
    tried = [outcomes.by_recipe[hole][name] for hole in holes]
    pairs = [
        (its.right, full.right)
        for hole, its in zip(holes, tried, strict=True)
        if (full := outcomes.by_recipe[hole].get(FULL.name))
    ]
    return Summary(
        name,
        right=sum(its.right for its in tried),
        holes=len(tried),
        wins=sum(ours and not theirs for ours, theirs in pairs),
        losses=sum(theirs and not ours for ours, theirs in pairs),
        evaluated=_join_evaluated(tried),
        new_lines=[its.new_line for its in tried],
        steps=[its.steps for its in tried],
        first_ms=[ms for h in outcomes.first_ms.values() for n, ms in h.items() if n == name],
    )


def _join_evaluated(tried: Iterable[RecipeOutcome]) -> list[int]:
    return [tokens for its in tried for tokens in its.evaluated]


def _render_table(source: str, rows: Iterable[Summary]) -> str:
    lines = [
        f"\n{source}\n",
        "| recipe | right | % (95 % interval) | against full PSM | tokens per keystroke: p50 / p95 "
        "/ mean | on a new line, p50 | steps to new text, mean | first new text, ms p50 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row.interval
        tokens = f"{median(row.evaluated):.0f} / {p95(row.evaluated):.0f} / {row.cost:.1f}"
        cells = [
            row.name,
            f"{row.right}/{row.holes}",
            f"{row.share:.1f} ({low:.0f} to {high:.0f})",
            f"{row.wins} won, {row.losses} lost",
            tokens,
            f"{median(row.new_lines):.0f}",
            f"{mean(row.steps):.2f}",
            f"{median(row.first_ms):.0f}" if row.first_ms else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
