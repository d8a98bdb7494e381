"""The completion has the line ends of the document."""

from copilotd.postprocess.context import Candidate, CursorContext


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """End lines like the lines around the cursor, or like most lines where these differ."""
    end = _choose_line_end(context.outer or context)
    return candidate if end == "\n" else candidate.with_text(candidate.text.replace("\n", end))


def _choose_line_end(context: CursorContext) -> str:
    text = context.document.text
    above, below = _end_before(text, context.offset), _end_after(text, context.offset)
    if above == below:
        return above or "\n"
    both = text.count("\r\n")
    counts = {"\r\n": both, "\n": text.count("\n") - both, "\r": text.count("\r") - both}
    # If two kinds are equally frequent, the nearer one wins.
    return max(counts, key=lambda end: (counts[end], end == above, end == below))


def _end_before(text: str, offset: int) -> str:
    """The last line end before `offset`; empty if there is none."""
    feed, carriage = text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)
    if feed < 0 or carriage > feed:
        return "\r" if carriage >= 0 else ""
    return "\r\n" if carriage == feed - 1 and carriage >= 0 else "\n"


def _end_after(text: str, offset: int) -> str:
    """The first line end after `offset`; empty if there is none."""
    feed, carriage = text.find("\n", offset), text.find("\r", offset)
    if carriage < 0 or 0 <= feed < carriage:
        return "\n" if feed >= 0 else ""
    return "\r\n" if feed == carriage + 1 else "\r"
