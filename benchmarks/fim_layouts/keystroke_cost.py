"""Counts the tokens that a layout evaluates per keystroke, compared with the layout before."""

from dataclasses import replace
from itertools import pairwise

from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.layout import Layout, LayoutBuilder
from benchmarks.fim_layouts.recipes import Recipe
from copilotd.engine.tokens.common_prefix import common_prefix_length


def count_per_keystroke(layouts: LayoutBuilder, hole: Hole, recipe: Recipe) -> list[int]:
    """A count for each character of the line behind its indentation.

    Generated tokens are not reused.
    """
    holes = [
        hole.with_cursor(typed) for typed in range(hole.indentation, len(hole.line.rstrip()) + 1)
    ]
    steps = [layouts.build(holes[0], recipe)]
    steps += [layouts.build(now, recipe, previous) for previous, now in pairwise(holes)]
    return [_count_evaluated(before, now) for before, now in pairwise(steps)]


def count_on_new_line(layouts: LayoutBuilder, hole: Hole, recipe: Recipe) -> int:
    """The count when the cursor comes from the line above and the anchor moves with it."""
    hole = layouts.fit_window(hole, recipe)
    above = hole.before[:-1].rpartition("\n")[2]
    start = len(hole.before) - len(above) - 1
    previous = replace(hole, before=hole.before[:start], line=above, typed=len(above))
    now = layouts.build(hole.with_cursor(hole.indentation), recipe, previous)
    return _count_evaluated(layouts.build(previous, replace(recipe, head=None)), now)


def _count_evaluated(before: Layout, now: Layout) -> int:
    """The last token is always evaluated, because the logits behind it are needed."""
    reused = min(common_prefix_length(before.prompt, now.prompt), len(now.prompt) - 1)
    fresh = len(now.prompt) - reused
    if now.shifted is None or fresh == 1:
        return fresh
    return max(0, now.shifted.target - reused) + 1
