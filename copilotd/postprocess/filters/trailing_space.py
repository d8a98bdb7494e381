"""White space at the end of lines is noise."""

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.languages import PROSE

_NEEDS_NO_SPACE = " \t)],;"


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Remove it: at the end of the text, and in code at the end of each line.

    Spaces at the end stay where they may separate the text from code behind the cursor.
    """
    text = candidate.text
    if context.language not in PROSE:
        *lines, last = text.split("\n")
        text = "\n".join([*(line.rstrip() for line in lines), last])
    rest = context.line_after
    separates = rest.strip() and rest[0] not in _NEEDS_NO_SPACE
    return candidate.with_text(text if separates else text.rstrip())
