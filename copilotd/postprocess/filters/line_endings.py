"""Line ends are the document's own."""

from copilotd.postprocess.context import Candidate, CursorContext


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """End lines with CR LF where the document's first line does."""
    first = context.document.text.find("\n")
    if first < 1 or context.document.text[first - 1] != "\r":
        return candidate
    return candidate.with_text(candidate.text.replace("\n", "\r\n"))
