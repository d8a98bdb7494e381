"""The text must not repeat the code after the cursor on its line."""

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.nesting import scan_nesting


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text up to the line that closes the bracket which is also closed after the cursor.

    Later lines would end up in the middle of the cursor's line.
    """
    due = context.nesting.due
    if not due or not context.line_after.lstrip().startswith(due[-1]):
        return None
    end = text.find("\n")
    while end >= 0:
        if len(scan_nesting(due, text[:end], context.language).due) < len(due):
            return end
        end = text.find("\n", end + 1)
    return None


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Cut the end of the text if it repeats the rest of the cursor's line.

    `auto_closed` handles brackets alone. A cut that would unbalance brackets is not made.
    """
    rest, text = context.line_after.strip(), candidate.text.rstrip()
    if len(rest) < 2 or not any(c.isalnum() for c in rest) or not text.endswith(rest):
        return candidate
    kept = text[: -len(rest)]
    if scan_nesting(context.nesting.due, kept, context.language) != scan_nesting(
        context.nesting.due, "", context.language
    ):
        return candidate
    # White space that is already after the cursor is not inserted again.
    return candidate.with_text(kept.rstrip() if context.line_after[0].isspace() else kept)
