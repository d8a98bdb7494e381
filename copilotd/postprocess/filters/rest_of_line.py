"""The text and what stands behind the cursor on its line must not say the same twice."""

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.nesting import nest


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep what closes the bracket that is closed behind the cursor, up to its line end.

    What the model writes below that would come to stand in the middle of a line.
    """
    due = context.nesting.due
    if not due or not context.line_after.lstrip().startswith(due[-1]):
        return None
    end = text.find("\n")
    while end >= 0:
        if len(nest(due, text[:end], context.language).due) < len(due):
            return end
        end = text.find("\n", end + 1)
    return None


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Cut the end of the text if it is the rest of the cursor's line.

    Brackets alone are left to `auto_closed`, and a cut that would unbalance them is not made.
    """
    rest, text = context.line_after.strip(), candidate.text.rstrip()
    if len(rest) < 2 or not any(c.isalnum() for c in rest) or not text.endswith(rest):
        return candidate
    kept = text[: -len(rest)]
    if nest(context.nesting.due, kept, context.language) != nest(
        context.nesting.due, "", context.language
    ):
        return candidate
    # White space that already stands behind the cursor is not brought again.
    return candidate.with_text(kept.rstrip() if context.line_after[0].isspace() else kept)
