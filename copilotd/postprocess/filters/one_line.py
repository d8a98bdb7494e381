"""In the middle of a line, and in an unfinished statement, the user needs one line."""

from copilotd.postprocess.context import CursorContext, Mode
from copilotd.postprocess.filters.finished_statement import begins_next_line


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the first line that is not blank; if code follows the cursor, the cursor's line.

    A user who asks at the end of a finished statement gets the whole next one.
    """
    if context.mode is not Mode.LINE or (context.invoked and begins_next_line(context, text)):
        return None
    blank = 0 if context.line_after.strip() else len(text) - len(text.lstrip())
    end = text.find("\n", blank)
    return None if end < 0 else end
