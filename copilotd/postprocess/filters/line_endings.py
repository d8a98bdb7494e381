"""The completion has the line ends of the document."""

from copilotd.postprocess.context import Candidate, CursorContext


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """End lines with CR LF if the first line of the document does."""
    first = context.document.text.find("\n")
    if first < 1 or context.document.text[first - 1] != "\r":
        return candidate
    return candidate.with_text(candidate.text.replace("\n", "\r\n"))
