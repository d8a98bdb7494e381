"""Tokens that a layout has to evaluate per keystroke, by comparing it with the one before."""

from dataclasses import replace
from itertools import pairwise

from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.layout import Layout, Layouts, common
from benchmarks.fim_layouts.recipes import Recipe


def per_keystroke(layouts: Layouts, hole: Hole, recipe: Recipe) -> list[int]:
    """For each character of the line behind its indentation; what was generated is not reused."""
    holes = [hole.at(typed) for typed in range(hole.indentation, len(hole.line.rstrip()) + 1)]
    made = [layouts.layout(holes[0], recipe)]
    made += [layouts.layout(now, recipe, previous) for previous, now in pairwise(holes)]
    return [_evaluated(before, now) for before, now in pairwise(made)]


def on_new_line(layouts: Layouts, hole: Hole, recipe: Recipe) -> int:
    """When the cursor comes from the end of the line above, and the anchor moves with it."""
    hole = layouts.shown(hole, recipe)
    above = hole.before[:-1].rpartition("\n")[2]
    start = len(hole.before) - len(above) - 1
    previous = replace(hole, before=hole.before[:start], line=above, typed=len(above))
    now = layouts.layout(hole.at(hole.indentation), recipe, previous)
    return _evaluated(layouts.layout(previous, replace(recipe, head=None)), now)


def _evaluated(before: Layout, now: Layout) -> int:
    """The last token is always evaluated, for the logits behind it."""
    reused = min(common(before.prompt, now.prompt), len(now.prompt) - 1)
    fresh = len(now.prompt) - reused
    if now.moved is None or fresh == 1:
        return fresh
    return max(0, now.moved.target - reused) + 1
