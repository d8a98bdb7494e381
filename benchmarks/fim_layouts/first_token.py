"""How long a keystroke waits for its first new text, with everything reused that can be."""

import time

from benchmarks.fim_layouts.cells import Cells
from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.layout import Layout, LayoutBuilder
from benchmarks.fim_layouts.recipes import Recipe
from copilotd.engine.worker.constraints.token_healing import Constraint

_STEPS = 64


def measure_first_token(cells: Cells, layouts: LayoutBuilder, hole: Hole, recipe: Recipe) -> float:
    """Milliseconds for the last typed key; the key before it is evaluated without timing."""
    previous = hole.with_cursor(hole.typed - 1)
    before = layouts.build(previous, recipe)
    now = layouts.build(hole, recipe, previous)
    cells.evaluate(before.prompt, 1)
    started = time.perf_counter()
    if now.shifted and now.prompt != before.prompt:
        cells.put_aside(now.shifted, None)
        cells.evaluate(now.prompt[: now.shifted.target], 0)
        cells.put_back(now.shifted)
    _decode_until_new_text(cells, now)
    elapsed_ms = (time.perf_counter() - started) * 1000
    if now.shifted:
        cells.truncate(0)
    return elapsed_ms


def _decode_until_new_text(cells: Cells, layout: Layout) -> None:
    constraint, tokens = Constraint(cells.vocabulary.token_bytes, layout.tail), list(layout.prompt)
    for _ in range(_STEPS):
        token = int(constraint.apply(cells.evaluate(tokens, 1)[0]).argmax())
        if constraint.accept(cells.vocabulary.token_to_piece(token)):
            return
        if token in cells.vocabulary.end_tokens:
            return
        tokens.append(token)
