"""Brackets that the document closes itself are not closed a second time."""

import re

from copilotd.postprocess.balance import disorder
from copilotd.postprocess.context import Draft, Scene
from copilotd.syntax.languages import LONE_CLOSERS
from copilotd.syntax.nesting import nest

_LAST_CLOSER = re.compile(r"\s*[)\]}][ \t]*[;,]?\s*$")


def apply(scene: Scene, draft: Draft) -> Draft:
    """Cut closers at the end of the text that are closed behind the cursor already.

    Closers of what the text itself opened stay, and so do those without which the document would
    be in no better order.
    """
    if scene.language in LONE_CLOSERS:
        return draft
    while closer := _last_closer(scene, draft.text):
        shorter = draft.with_text(draft.text[: closer.start()])
        if _disorder(scene, shorter) >= _disorder(scene, draft):
            break
        draft = shorter
    return draft


def _disorder(scene: Scene, draft: Draft) -> int:
    return disorder(scene, draft.text, draft.overwrites)


def _last_closer(scene: Scene, text: str) -> re.Match[str] | None:
    """The closer at the end of the text, if it closes something outside of the text."""
    last = _LAST_CLOSER.search(text)
    if last is None or nest((), text[: last.start()], scene.language).due:
        return None
    inside = nest(scene.nesting.due, text[: last.start()], scene.language)
    return None if inside.in_region else last
