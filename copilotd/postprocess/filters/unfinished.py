"""An unfinished line after whole lines is not shown."""

from copilotd.postprocess.context import Candidate, CursorContext


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """If the token limit ended the text, cut its last line, unless it is the only one."""
    whole, newline, _ = candidate.text.rpartition("\n")
    if not candidate.unfinished or not newline or not whole.strip():
        return candidate
    return candidate.with_text(whole)
