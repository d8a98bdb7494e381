"""A bracket that the document closes is not closed twice."""

import re

from copilotd.postprocess.balance import count_mismatches
from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.postprocess.filters.auto_closed import contains_in_order
from copilotd.syntax.languages import LONE_CLOSERS
from copilotd.syntax.nesting import scan_nesting

_LAST_CLOSER = re.compile(r"\s*[)\]}][ \t]*[;,]?\s*$")


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Cut closers at the end of the text that are already after the cursor.

    Closers of the text's own brackets stay, and so do closers whose removal does not make the
    document match better.
    """
    if context.language in LONE_CLOSERS:
        return candidate
    replaced = context.line_after[: candidate.overwrites].split()
    while closer := _last_closer(context, candidate.text):
        shorter = candidate.with_text(candidate.text[: closer.start()])
        # A closer that the text replaces must stay in the text.
        if not contains_in_order("".join(replaced), shorter.text):
            break
        if _count_mismatches(context, shorter) >= _count_mismatches(context, candidate):
            break
        candidate = shorter
    return candidate


def _count_mismatches(context: CursorContext, candidate: Candidate) -> int:
    return count_mismatches(context, candidate.text, candidate.overwrites)


def _last_closer(context: CursorContext, text: str) -> re.Match[str] | None:
    """The closer at the end of the text, if its opener is outside the text."""
    last = _LAST_CLOSER.search(text)
    if last is None or scan_nesting((), text[: last.start()], context.language).due:
        return None
    inside = scan_nesting(context.nesting.due, text[: last.start()], context.language)
    return None if inside.in_region else last
