"""A completion that adds nothing is not shown."""

from copilotd.postprocess.context import Candidate, CursorContext

_COMMENT_MARKS = frozenset({"#", "//", "--", "/*", "*", "///", ";;", "<!--"})


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Drop white space, a lone comment mark, punctuation that is already there, and no change."""
    text = candidate.text.strip()
    replaced = context.line_after[: candidate.overwrites]
    mark = text in _COMMENT_MARKS and context.at_line_start
    nothing = not text or mark or candidate.text == replaced
    return (
        Candidate("")
        if nothing or _is_already_there(context, text, candidate.overwrites)
        else candidate
    )


def _is_already_there(context: CursorContext, text: str, overwrites: int) -> bool:
    punctuation = len(text) <= 3 and not any(c.isalnum() for c in text)
    return punctuation and overwrites == 0 and context.line_after.lstrip().startswith(text)
