"""Editors close brackets and quotes while one types; the model brings closers of its own.

`def ad|)` with the text `d(a, b):` must not leave the old `)` behind.
"""

import re
from collections.abc import Iterable

from copilotd.postprocess.balance import disorder
from copilotd.postprocess.context import Draft, Scene
from copilotd.syntax.lines import indentation
from copilotd.syntax.nesting import nest

_CLOSERS = re.compile(r"\s*[)\]}\"'`](?:[ \t]*[)\]}\"'`])*")
_ONLY_PUNCTUATION = re.compile(r"(?:[^\w\s]|</[\w:.-]+>|\s)+")
_TOKENS = re.compile(r"</[\w:.-]+>|\S")


def apply(scene: Scene, draft: Draft) -> Draft:
    """Replace those closers behind the cursor of which the text brings its own copy.

    Closers that the text does not bring stay, below a text of several lines on their own line.
    """
    rest = scene.line_after.rstrip()
    if not rest.strip() or not draft.text.strip():
        return draft
    if _brings_all(scene, draft.text, rest):
        return Draft(draft.text.rstrip(), len(rest), draft.unfinished)
    closers = _CLOSERS.match(rest)
    if closers is None:
        return draft
    count = _brought(scene, draft.text, closers[0])
    if count == 0:
        return draft.with_text(_on_own_line(scene, draft.text))
    return Draft(draft.text, count, draft.unfinished)


def _brings_all(scene: Scene, text: str, rest: str) -> bool:
    """Whether the text ends as the line does now, and leaves open what the line left open."""
    if not _ONLY_PUNCTUATION.fullmatch(rest):
        return False
    tokens = _TOKENS.findall(rest)
    if not text.rstrip().endswith(tokens[-1]) or not _in_order(tokens, text):
        return False
    due = scene.nesting.due
    return nest(due, text, scene.language).due == nest(due, rest, scene.language).due


def _brought(scene: Scene, text: str, closers: str) -> int:
    """How many of `closers` are better replaced, because the text closes what they closed."""
    count = min(range(len(closers) + 1), key=lambda n: (disorder(scene, text, n), n))
    return count if _in_order("".join(closers[:count].split()), text) else 0


def _in_order(tokens: Iterable[str], text: str) -> bool:
    place = 0
    for token in tokens:
        place = text.find(token, place) + len(token)
        if place < len(token):
            return False
    return True


def _on_own_line(scene: Scene, text: str) -> str:
    if text[0] != "\n" or scene.line_after[:1] not in (")", "]", "}"):
        return text
    return text.rstrip() + "\n" + indentation(scene.line_before)
