"""Turns a hole into the tokens of a prompt and the text that token healing puts behind them."""

from dataclasses import dataclass, replace
from functools import lru_cache

from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.recipes import Anchor, Recipe
from copilotd.engine.worker.llama.vocabulary import Vocabulary

_CHARACTERS_PER_TOKEN = 12
"""More than code has, so that the token limits decide."""


@dataclass(frozen=True, slots=True)
class ShiftedCells:
    """Cells that move without evaluation: `count` from `start` in `source` to `target`."""

    source: tuple[int, ...]
    start: int
    target: int
    count: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A prompt, and the bytes with which the generation has to start."""

    prompt: tuple[int, ...]
    tail: bytes
    shifted: ShiftedCells | None = None


class LayoutBuilder:
    """Lays out prompts in the order prefix, suffix, middle, for one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        fim = vocabulary.find_fim_tokens({})
        if fim.prefix is None or fim.suffix is None or fim.middle is None:
            raise SystemExit("the model names no FIM tokens")
        self._marks = (fim.prefix, fim.suffix, fim.middle)
        self._vocabulary = vocabulary
        self.tokenize = lru_cache(4096)(self._tokenize)

    def build(self, hole: Hole, recipe: Recipe, previous: Hole | None = None) -> Layout:
        """The prompt at the hole's cursor; a shifted suffix comes from `previous`.

        Without `previous`, the suffix comes from the time when the cursor was at the line's start.
        """
        hole = self.fit_window(hole, recipe)
        suffix = self._tokenize_suffix(hole.after, recipe)
        if recipe.anchor == "cursor":
            prefix, tail = self._heal(hole.before + hole.left, recipe)
            layout = Layout(self._join_psm(prefix, suffix), tail)
            if recipe.head is None:
                return layout
            source = self.build(previous or hole.with_cursor(0), replace(recipe, head=None))
            return replace(layout, shifted=_find_shift(source, layout, len(suffix), recipe.head))
        start = _find_anchor(hole, recipe.anchor)
        middle, tail = self._heal(hole.before[start:] + hole.left, recipe)
        return Layout(self._join_psm(self.tokenize(hole.before[:start]), suffix) + middle, tail)

    def fit_window(self, hole: Hole, recipe: Recipe) -> Hole:
        """The hole with the lines above it that fit into the prefix window."""
        before = hole.before[-recipe.prefix_tokens * _CHARACTERS_PER_TOKEN :]
        tokens = self.tokenize(before)
        if len(tokens) <= recipe.prefix_tokens and before == hole.before:
            return hole
        excess = max(0, len(tokens) - recipe.prefix_tokens)
        cut = sum(len(self._vocabulary.token_to_piece(token)) for token in tokens[:excess])
        text = before.encode()[cut:].decode("utf-8", "ignore")
        return replace(hole, before=text[text.find("\n") + 1 :])

    def _join_psm(self, prefix: tuple[int, ...], suffix: tuple[int, ...]) -> tuple[int, ...]:
        first, second, third = self._marks
        return (first, *prefix, second, *suffix, third)

    def _tokenize_suffix(self, after: str, recipe: Recipe) -> tuple[int, ...]:
        text = _skip_lines(after, recipe.late_lines)[: recipe.suffix_tokens * _CHARACTERS_PER_TOKEN]
        return self.tokenize(text)[: recipe.suffix_tokens]

    def _heal(self, text: str, recipe: Recipe) -> tuple[tuple[int, ...], bytes]:
        tokens = self.tokenize(text)
        pieces = [self._vocabulary.token_to_piece(token) for token in tokens]
        keep = recipe.keep(pieces)
        return tokens[:keep], b"".join(pieces[keep:])

    def _tokenize(self, text: str) -> tuple[int, ...]:
        return tuple(self._vocabulary.tokenize(text, special=False))


def _find_shift(source: Layout, target: Layout, suffix: int, head: int) -> ShiftedCells | None:
    """The suffix without its head; None if the head is all of it."""
    if suffix <= head:
        return None
    start, end = (len(prompt) - 1 - suffix + head for prompt in (source.prompt, target.prompt))
    return ShiftedCells(source.prompt[:-1], start, end, suffix - head)


def _find_anchor(hole: Hole, anchor: Anchor) -> int:
    """The offset in `hole.before` at which the anchor's line starts."""
    lines = [f"{line}\n" for line in hole.before.split("\n")[:-1]]
    if anchor == "block":
        anchor = _count_lines_to_block(lines, hole.indentation)
    return sum(map(len, lines[: max(0, len(lines) - int(anchor))]))


def _count_lines_to_block(lines: list[str], indentation: int) -> int:
    """Lines up to the nearest one with a smaller indentation; 0 at the top level."""
    for above, line in enumerate(reversed(lines), 1):
        if line.strip() and len(line) - len(line.lstrip()) < indentation:
            return above
    return 0


def _skip_lines(after: str, lines: int) -> str:
    parts = after.split("\n", lines + 1)
    return f"\n{parts[-1]}" if len(parts) > lines + 1 else ""
