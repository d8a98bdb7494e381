"""The text and what stands behind the cursor on its line must not say the same twice."""

from copilotd.postprocess.context import Draft, Scene
from copilotd.syntax.nesting import nest


def stop(scene: Scene, text: str) -> int | None:
    """Keep what closes the bracket that is closed behind the cursor, up to its line end.

    What the model writes below that would come to stand in the middle of a line.
    """
    due = scene.nesting.due
    if not due or not scene.line_after.lstrip().startswith(due[-1]):
        return None
    end = text.find("\n")
    while end >= 0:
        if len(nest(due, text[:end], scene.language).due) < len(due):
            return end
        end = text.find("\n", end + 1)
    return None


def apply(scene: Scene, draft: Draft) -> Draft:
    """Cut the end of the text if it is the rest of the cursor's line.

    Brackets alone are left to `auto_closed`, and a cut that would unbalance them is not made.
    """
    rest, text = scene.line_after.strip(), draft.text.rstrip()
    if len(rest) < 2 or not any(c.isalnum() for c in rest) or not text.endswith(rest):
        return draft
    kept = text[: -len(rest)]
    if nest(scene.nesting.due, kept, scene.language) != nest(scene.nesting.due, "", scene.language):
        return draft
    # White space that already stands behind the cursor is not brought again.
    return draft.with_text(kept.rstrip() if scene.line_after[0].isspace() else kept)
