"""What a recipe makes of a hole: the prompt's tokens, and the text that is healed behind them."""

from dataclasses import dataclass, replace
from functools import lru_cache

from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.recipes import Anchor, Recipe
from copilotd.engine.worker.llama.vocabulary import Vocabulary

_CHARACTERS_PER_TOKEN = 12
"""More than code has, so that the token limits decide."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Cells that are shifted, not evaluated: `count` from `start` in `source` to `target`."""

    source: tuple[int, ...]
    start: int
    target: int
    count: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A prompt, and the bytes with which the generation behind it has to begin."""

    prompt: tuple[int, ...]
    tail: bytes
    moved: Moved | None = None


class Layouts:
    """Lays out prompts in the order prefix, suffix, middle, for one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        fim = vocabulary.find_fim_tokens({})
        if fim.prefix is None or fim.suffix is None or fim.middle is None:
            raise SystemExit("the model names no FIM tokens")
        self._marks = (fim.prefix, fim.suffix, fim.middle)
        self._vocabulary = vocabulary
        self.tokens = lru_cache(4096)(self._tokenized)

    def layout(self, hole: Hole, recipe: Recipe, previous: Hole | None = None) -> Layout:
        """The prompt at the hole's cursor; `previous` is where a shifted suffix comes from.

        Without `previous`, the suffix comes from when the cursor stood at the line's start.
        """
        hole = self.shown(hole, recipe)
        suffix = self._suffix(hole.after, recipe)
        if recipe.anchor == "cursor":
            prefix, tail = self._healed(hole.before + hole.left, recipe)
            layout = Layout(self._psm(prefix, suffix), tail)
            if recipe.head is None:
                return layout
            source = self.layout(previous or hole.at(0), replace(recipe, head=None))
            return replace(layout, moved=_moved(source, layout, len(suffix), recipe.head))
        start = _anchored(hole, recipe.anchor)
        middle, tail = self._healed(hole.before[start:] + hole.left, recipe)
        return Layout(self._psm(self.tokens(hole.before[:start]), suffix) + middle, tail)

    def shown(self, hole: Hole, recipe: Recipe) -> Hole:
        """The hole with the lines above it that fit into the prefix window."""
        before = hole.before[-recipe.prefix_tokens * _CHARACTERS_PER_TOKEN :]
        tokens = self.tokens(before)
        if len(tokens) <= recipe.prefix_tokens and before == hole.before:
            return hole
        excess = max(0, len(tokens) - recipe.prefix_tokens)
        cut = sum(len(self._vocabulary.token_to_piece(token)) for token in tokens[:excess])
        text = before.encode()[cut:].decode("utf-8", "ignore")
        return replace(hole, before=text[text.find("\n") + 1 :])

    def _psm(self, prefix: tuple[int, ...], suffix: tuple[int, ...]) -> tuple[int, ...]:
        first, second, third = self._marks
        return (first, *prefix, second, *suffix, third)

    def _suffix(self, after: str, recipe: Recipe) -> tuple[int, ...]:
        text = _late(after, recipe.late_lines)[: recipe.suffix_tokens * _CHARACTERS_PER_TOKEN]
        return self.tokens(text)[: recipe.suffix_tokens]

    def _healed(self, text: str, recipe: Recipe) -> tuple[tuple[int, ...], bytes]:
        tokens = self.tokens(text)
        pieces = [self._vocabulary.token_to_piece(token) for token in tokens]
        keep = recipe.keep(pieces)
        return tokens[:keep], b"".join(pieces[keep:])

    def _tokenized(self, text: str) -> tuple[int, ...]:
        return tuple(self._vocabulary.tokenize(text, special=False))


def common(one: tuple[int, ...] | list[int], other: tuple[int, ...] | list[int]) -> int:
    """Length of the longest common prefix."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _moved(source: Layout, target: Layout, suffix: int, head: int) -> Moved | None:
    """The suffix but for its head; None if the head is all of it."""
    if suffix <= head:
        return None
    start, end = (len(prompt) - 1 - suffix + head for prompt in (source.prompt, target.prompt))
    return Moved(source.prompt[:-1], start, end, suffix - head)


def _anchored(hole: Hole, anchor: Anchor) -> int:
    """Where in `hole.before` the anchor's line begins."""
    lines = [f"{line}\n" for line in hole.before.split("\n")[:-1]]
    if anchor == "block":
        anchor = _lines_to_block(lines, hole.indentation)
    return sum(map(len, lines[: max(0, len(lines) - int(anchor))]))


def _lines_to_block(lines: list[str], indentation: int) -> int:
    """Lines up to the nearest one with a smaller indentation; none from the top level."""
    for above, line in enumerate(reversed(lines), 1):
        if line.strip() and len(line) - len(line.lstrip()) < indentation:
            return above
    return 0


def _late(after: str, lines: int) -> str:
    parts = after.split("\n", lines + 1)
    return f"\n{parts[-1]}" if len(parts) > lines + 1 else ""
