"""Lines have no white space at their end."""

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.languages import PROSE

_NEEDS_NO_SPACE = " \t)],;"


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Remove white space at the end of the text and, in code, of each line.

    Spaces at the end stay if they may separate the text from code after the cursor.
    """
    text = candidate.text
    if context.language not in PROSE:
        *lines, last = text.split("\n")
        text = "\n".join([*(line.rstrip() for line in lines), last])
    rest = context.line_after
    code = text.rstrip()
    separates = rest.strip() and rest[0] not in _NEEDS_NO_SPACE and "\n" not in text[len(code) :]
    return candidate.with_text(text if separates else code)
