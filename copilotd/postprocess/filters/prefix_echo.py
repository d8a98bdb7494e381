"""Instruct models begin by repeating what is already typed on the line, such as `def foo(`."""

import re

from copilotd.postprocess.context import Draft, Scene
from copilotd.syntax.lines import is_trivial
from copilotd.syntax.nesting import nest

_WORD = re.compile(r"[\w.]+")


def apply(scene: Scene, draft: Draft) -> Draft:
    """Remove the cursor's line, up to the cursor, from the start of the text."""
    typed, text = scene.line_before.strip(), draft.text.lstrip(" \t")
    if is_trivial(typed) or len(typed) < 3 or not text.startswith(typed):
        return draft
    rest = text[len(typed) :]
    if _may_be_meant(scene, typed, rest):
        return draft
    return draft.with_text(rest.lstrip(" \t") if scene.line_before[-1].isspace() else rest)


def _may_be_meant(scene: Scene, typed: str, rest: str) -> bool:
    """Whether a call may stand inside a call of the same name: `max(` before `max(a, b), c)`."""
    if len(_WORD.findall(typed)) > 1 or _WORD.fullmatch(typed):
        return False
    echoed = nest(scene.nesting.due, rest, scene.language)
    return bool(scene.line_after.strip() or echoed.extra)
