"""Checks whether brackets and quotes of the document match once a text is inserted."""

from copilotd.postprocess.context import CursorContext
from copilotd.syntax.nesting import scan_nesting

_REACH = 10_000
"""Characters after the cursor that are checked."""


def count_mismatches(context: CursorContext, text: str, overwrites: int = 0) -> int:
    """The number of closers without an opener, plus the number of missing closers.

    Compare two values: one alone means little, because a document under edit rarely matches.
    """
    open_behind_text = scan_nesting(context.nesting.due, text, context.language)
    rest = context.after[overwrites:_REACH]
    end = scan_nesting(open_behind_text.due, rest, context.language)
    return len(open_behind_text.extra) + len(end.extra) + len(end.due)


def ends_inside(context: CursorContext, text: str) -> bool:
    """Whether the text ends in a string, in a comment, or in a bracket that it opened itself."""
    behind = scan_nesting(context.nesting.due, text, context.language)
    if behind.in_region or context.nesting.in_region:
        return behind.in_region
    return bool(scan_nesting((), text, context.language).due)
