"""A suggestion that adds nothing is not shown."""

from copilotd.postprocess.context import Draft, Scene

_COMMENT_MARKS = frozenset({"#", "//", "--", "/*", "*", "///", ";;", "<!--"})


def apply(scene: Scene, draft: Draft) -> Draft:
    """Drop white space, a lone comment mark, punctuation that is already there, and no change."""
    text = draft.text.strip()
    replaced = scene.line_after[: draft.overwrites]
    mark = text in _COMMENT_MARKS and scene.at_line_start
    nothing = not text or mark or draft.text == replaced
    return Draft("") if nothing or _is_there(scene, text, draft.overwrites) else draft


def _is_there(scene: Scene, text: str, overwrites: int) -> bool:
    punctuation = len(text) <= 3 and not any(c.isalnum() for c in text)
    return punctuation and overwrites == 0 and scene.line_after.lstrip().startswith(text)
