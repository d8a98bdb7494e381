"""Checks whether the model, greedy, writes exactly the rest of a line behind a prompt.

The right text is evaluated together with the prompt, as a draft. While the model's choices match
the draft, nothing is evaluated twice. When they leave the right text, the outcome is known. So a
prompt costs one batch instead of one batch for each token, and the outcome is the same as with
decoding token by token.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.fim_layouts.cells import Cells
from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.layout import Layout, ShiftedCells
from copilotd.engine.worker.constraints.token_healing import Constraint

_NEW_TOKENS = 64
_DRAFT = 8
"""A longer draft would be wasted on the prompts with a wrong answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the line is right, and after how many tokens the first new text came."""

    right: bool
    steps: int


class ExactMatchTester:
    """Tries prompts in one context, in an order in which they share most of their cells."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._vocabulary = cells.vocabulary

    def try_layouts(self, hole: Hole, layouts: Mapping[str, Layout]) -> dict[str, Outcome]:
        """The outcome of each layout by its name; equal layouts are tried once."""
        distinct = set(layouts.values())
        known = self._try_shifted(
            hole, {layout: layout.shifted for layout in distinct if layout.shifted}
        )
        plain = sorted(distinct - known.keys(), key=lambda layout: layout.prompt)
        known |= {layout: self._try_layout(hole, layout) for layout in plain}
        return {name: known[layout] for name, layout in layouts.items()}

    def _try_shifted(
        self, hole: Hole, layouts: Mapping[Layout, ShiftedCells]
    ) -> dict[Layout, Outcome]:
        """Outcomes with one evaluation of the suffix, made with the cursor at the line's start."""
        sources = {shifted.source for shifted in layouts.values()}
        states = {source: self._evaluate_and_save(source) for source in sources}
        outcomes = {}
        for layout, shifted in sorted(layouts.items(), key=lambda item: item[1].target):
            self._cells.put_aside(shifted, states[shifted.source])
            self._cells.evaluate(layout.prompt[: shifted.target], 0)
            self._cells.put_back(shifted)
            outcomes[layout] = self._try_layout(hole, layout)
            # The cells behind this position differ from those that an evaluation would make.
            self._cells.truncate(shifted.target)
        return outcomes

    def _evaluate_and_save(self, source: tuple[int, ...]) -> NDArray[np.uint8]:
        self._cells.evaluate(source, 1)
        return self._cells.save()

    def _try_layout(self, hole: Hole, layout: Layout) -> Outcome:
        constraint = Constraint(self._vocabulary.token_bytes, layout.tail)
        right = layout.tail + f"{hole.rest}\n".encode()
        prompt, new, written, steps = list(layout.prompt), b"", b"", 0
        while len(prompt) - len(layout.prompt) < _NEW_TOKENS:
            draft = self._draft(right, new)
            rows = self._cells.evaluate([*prompt, *draft], len(draft) + 1)
            for row, guess in zip(rows, [*draft, -1], strict=True):
                token = int(constraint.apply(row).argmax())
                if token in self._vocabulary.end_tokens:
                    return Outcome(_is_right(hole, written + b"\n") is True, steps)
                steps += not written
                piece = self._vocabulary.token_to_piece(token)
                written += constraint.accept(piece)
                verdict = _is_right(hole, written)
                if verdict is not None and written:
                    return Outcome(verdict, steps)
                prompt.append(token)
                new += piece
                if token != guess:
                    break
        return Outcome(False, steps)

    def _draft(self, right: bytes, new: bytes) -> list[int]:
        if not right.startswith(new):
            return []
        text = right[len(new) :].decode("utf-8", "ignore")
        return self._vocabulary.tokenize(text, special=False)[:_DRAFT]


def _is_right(hole: Hole, written: bytes) -> bool | None:
    """Whether the line is complete and right; None while it can still become right."""
    first, complete, _ = (hole.left + written.decode("utf-8", "ignore")).partition("\n")
    expected = hole.line.strip()
    if complete:
        return first.strip() == expected
    can_be = expected.startswith(first.lstrip()) or first.strip() == expected
    return None if can_be else False
