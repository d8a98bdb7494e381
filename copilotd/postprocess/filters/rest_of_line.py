"""The text ends where it closes the bracket that is also closed after the cursor."""

from copilotd.postprocess.context import CursorContext
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
