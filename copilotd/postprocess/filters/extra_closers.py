"""A bracket that the document closes is not closed twice."""

import re

from copilotd.postprocess.balance import disorder
from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.languages import LONE_CLOSERS
from copilotd.syntax.nesting import nest

_LAST_CLOSER = re.compile(r"\s*[)\]}][ \t]*[;,]?\s*$")


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Cut closers at the end of the text that are already after the cursor.

    Closers of the text's own brackets stay, and so do closers whose removal does not make the
    document match better.
    """
    if context.language in LONE_CLOSERS:
        return candidate
    while closer := _last_closer(context, candidate.text):
        shorter = candidate.with_text(candidate.text[: closer.start()])
        if _disorder(context, shorter) >= _disorder(context, candidate):
            break
        candidate = shorter
    return candidate


def _disorder(context: CursorContext, candidate: Candidate) -> int:
    return disorder(context, candidate.text, candidate.overwrites)


def _last_closer(context: CursorContext, text: str) -> re.Match[str] | None:
    """The closer at the end of the text, if its opener is outside the text."""
    last = _LAST_CLOSER.search(text)
    if last is None or nest((), text[: last.start()], context.language).due:
        return None
    inside = nest(context.nesting.due, text[: last.start()], context.language)
    return None if inside.in_region else last
