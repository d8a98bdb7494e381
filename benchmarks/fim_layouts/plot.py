"""Draws exact match over a number of tokens, as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from benchmarks.fim_layouts.outcomes import OutcomeFile
from benchmarks.fim_layouts.recipes import Recipe
from benchmarks.fim_layouts.table import summarize

_WIDTH, _HEIGHT = 460, 560
"""The size of one panel in pixels; the names are in a column to its right."""
_NAMES = 260
_LEFT, _TOP, _BOTTOM = 50, 40, 50
_COLOURS = {
    "full PSM": "#000000",
    "anchor": "#0072b2",
    "grown middle": "#56b4e9",
    "healing": "#d55e00",
    "shift": "#009e73",
    "suffix": "#cc79a7",
    "prefix": "#e69f00",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A point: right lines in percent over a number of tokens."""

    name: str
    tokens: float
    share: float
    colour: str


def render_plot(outcomes: OutcomeFile, recipes: Sequence[Recipe]) -> str:
    """One panel for each kind of hole, over the tokens evaluated per keystroke."""
    colours = {recipe.name: _COLOURS[recipe.group] for recipe in recipes}
    panels = {
        source: [
            Mark(row.name, row.cost, row.share, colours[row.name])
            for row in summarize(outcomes, source, colours)
        ]
        for source in dict.fromkeys(outcomes.sources.values())
    }
    return render_panels(panels, "prompt tokens evaluated per keystroke, mean")


def render_panels(panels: Mapping[str, Sequence[Mark]], tokens: str) -> str:
    """One panel for each title; `tokens` says what the horizontal axis counts."""
    drawn = [
        f'<g transform="translate({at * (_WIDTH + _NAMES)} 0)">'
        + _Panel(title, marks, tokens).render()
        + "</g>"
        for at, (title, marks) in enumerate(panels.items())
    ]
    width = len(drawn) * (_WIDTH + _NAMES)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>'
        f"\n{''.join(drawn)}\n</svg>\n"
    )


class _Panel:
    def __init__(self, title: str, rows: Sequence[Mark], tokens: str) -> None:
        self._title, self._tokens = title, tokens
        self._rows = sorted(rows, key=lambda row: -row.share)
        self._decades = max((floor(log10(max(1, row.tokens))) + 1 for row in rows), default=1)
        shares = [row.share for row in rows] or [0.0]
        self._low = 10 * floor(min(shares) / 10)
        self._high = 10 * floor(max(shares) / 10 + 1)

    def render(self) -> str:
        names = _spread_apart([self._y(row.share) for row in self._rows])
        marks = [self._render_mark(row, at) for row, at in zip(self._rows, names, strict=True)]
        return "\n".join([*self._render_axes(), *marks])

    def _render_mark(self, row: Mark, name_y: float) -> str:
        x, y, colour = self._x(row.tokens), self._y(row.share), row.colour
        return (
            f'<path d="M{x:.1f} {y:.1f}L{_WIDTH - 8} {name_y:.1f}" stroke="{colour}" '
            f'stroke-width="0.4"/><circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
            f'<text x="{_WIDTH}" y="{name_y + 4:.1f}" fill="{colour}">{escape(row.name)}, '
            f"{row.share:.0f} %</text>"
        )

    def _render_axes(self) -> list[str]:
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - 20
        lines = [
            f'<text x="{_LEFT}" y="20" font-size="14">{escape(self._title)}: lines exactly right, '
            "% (95 % interval in the table)</text>",
            f'<text x="{_LEFT}" y="{_HEIGHT - 12}">{escape(self._tokens)}</text>',
        ]
        for share in range(self._low, self._high + 1, 10):
            y = self._y(share)
            lines.append(
                f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#ddd"/>'
                f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share}</text>'
            )
        for tokens in (factor * 10**d for d in range(self._decades) for factor in (1, 2, 5)):
            x = self._x(tokens)
            lines.append(
                f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="#eee"/>'
                f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tokens}</text>'
            )
        return lines

    def _x(self, tokens: float) -> float:
        return _LEFT + log10(max(1.0, tokens)) / self._decades * (_WIDTH - 30 - _LEFT)

    def _y(self, share: float) -> float:
        part = (share - self._low) / (self._high - self._low)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _BOTTOM - _TOP)


def _spread_apart(places: Sequence[float]) -> list[float]:
    """Move the ascending `places` apart so that names do not overlap."""
    step, spread = 13.0, list[float]()
    for place in places:
        spread.append(max(place, spread[-1] + step if spread else _TOP))
    excess = max(0.0, (spread[-1] if spread else 0.0) - (_HEIGHT - _BOTTOM))
    # Names below the bottom edge move up again, from the last name to the first.
    limit = (spread[-1] if spread else 0.0) - excess
    for at in range(len(spread) - 1, -1, -1):
        spread[at] = min(spread[at], limit)
        limit = spread[at] - step
    return spread
