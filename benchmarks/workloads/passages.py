"""Prompts for speculation: places in the standard library, and requests to repeat a text.

A passage is repetitive if it compresses well. Half of the passages are repetitive.
"""

import random
import sysconfig
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copilotd.engine.types import ModelInfo
from copilotd.engine.worker.llama.vocabulary import Vocabulary
from copilotd.prompt.chat import render_chat
from copilotd.prompt.messages import UserMessage

COMPLETIONS = "completions"
EDITS = "edits"

_BEFORE, _AFTER = 1200, 300
"""Characters on the two sides of a place."""
_REPEATED = range(700, 1100)
"""Characters of a text that the model repeats."""
_EDITS = (
    "Repeat this code exactly, but add a comment above every function:",
    "Repeat this code and rename the variable that is used most often:",
    "Repeat this code exactly, with type annotations added:",
    "Fix the bug in this code. Show the whole code again:",
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The tokens of a prompt and the number of tokens to write; `kind` names its source."""

    kind: str
    tokens: list[int]
    new: int


def build_completion_prompts(info: ModelInfo, vocabulary: Vocabulary, count: int) -> list[Prompt]:
    """Half of the prompts are in repetitive code; every second one has a suffix."""
    places = [place for _, place in zip(range(20 * count), _draw_places(), strict=False)]
    places.sort(key=lambda place: _compute_density(place[0]))
    half = count // 2
    chosen = [*places[:half], *random.Random(1).sample(places[half:], count - half)]
    return [
        Prompt(COMPLETIONS, _tokenize(info, vocabulary, *place, fim=bool(i % 2)), 56)
        for i, place in enumerate(chosen)
    ]


def build_edit_prompts(info: ModelInfo, vocabulary: Vocabulary, count: int) -> list[Prompt]:
    """Requests to write a piece of code again with a change."""
    prompts = []
    for i, (before, _) in zip(range(count), _draw_places(), strict=False):
        code = before[-_REPEATED[i % len(_REPEATED)] :].partition("\n")[2]
        question = f"{_EDITS[i % len(_EDITS)]}\n\n```python\n{code}\n```"
        pieces = render_chat(info, [UserMessage(question)])
        texts = [piece for piece in pieces if isinstance(piece, str)]
        tokens = [t for text in texts for t in vocabulary.tokenize(text, special=True)]
        prompts.append(Prompt(EDITS, tokens, 200))
    return prompts


def _draw_places() -> Iterator[tuple[str, str]]:
    """The text before and after random places in random files, without end."""
    draw = random.Random(0)
    texts = [_read_text(path) for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))]
    texts = [text for text in texts if len(text) > 2 * (_BEFORE + _AFTER)]
    while True:
        text = draw.choice(texts)
        at = draw.randrange(_BEFORE, len(text) - _AFTER)
        yield text[at - _BEFORE : at].partition("\n")[2], text[at : at + _AFTER]


def _read_text(path: Path) -> str:
    return path.read_text("utf-8", "replace")


def _compute_density(text: str) -> float:
    return len(zlib.compress(text.encode())) / len(text)


def _tokenize(
    info: ModelInfo, vocabulary: Vocabulary, before: str, after: str, *, fim: bool
) -> list[int]:
    left = vocabulary.tokenize(before, special=False)
    marks = (info.fim.prefix, info.fim.suffix, info.fim.middle)
    if not fim or None in marks:
        return left
    prefix, suffix, middle = (mark for mark in marks if mark is not None)
    return [prefix, *left, suffix, *vocabulary.tokenize(after, special=False), middle]
