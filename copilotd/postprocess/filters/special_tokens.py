"""Control tokens that the model wrote out as text, such as `<|endoftext|>`.

What follows one belongs to another document, so the text ends there; before the text they are
left out. Inside a string or a comment they are code like any other.
"""

import re

from copilotd.postprocess.context import Draft, Scene
from copilotd.syntax.nesting import nest

_TOKEN = re.compile(
    r"<\|[A-Za-z][\w-]{0,30}\|>|<\uff5c[^\uff5c\n]{1,30}\uff5c>"
    r"|<(?:fim_(?:prefix|suffix|middle|pad)|file_sep|repo_name|EOT|SUF|MID)>"
)
_FIRST = re.compile(rf"\s*(?:{_TOKEN.pattern})")


def stop(scene: Scene, text: str) -> int | None:
    """Keep what stands before the first control token, unless the text begins with it."""
    for match in _TOKEN.finditer(text):
        before = text[: match.start()]
        if _FIRST.match(text) and not _without_first(before).strip():
            continue
        if not nest(scene.nesting.due, before, scene.language).in_region:
            return match.start()
    return None


def apply(scene: Scene, draft: Draft) -> Draft:
    """Leave out control tokens at the start, and everything from the first one after that."""
    text = draft.text if scene.nesting.in_region else _without_first(draft.text)
    return draft.with_text(text[: stop(scene, text)])


def _without_first(text: str) -> str:
    while match := _FIRST.match(text):
        text = text[match.end() :]
    return text
