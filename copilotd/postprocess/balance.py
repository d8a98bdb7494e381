"""Whether the document's brackets and quotes would be in order with a text in place."""

from copilotd.postprocess.context import CursorContext
from copilotd.syntax.nesting import nest

_REACH = 10_000
"""Characters behind the cursor that are looked at."""


def disorder(context: CursorContext, text: str, overwrites: int = 0) -> int:
    """How many closers would close nothing, and how many that are due would be missing.

    Only differences mean something: a document that is being typed is seldom in order.
    """
    open_behind_text = nest(context.nesting.due, text, context.language)
    rest = context.after[overwrites:_REACH]
    end = nest(open_behind_text.due, rest, context.language)
    return len(open_behind_text.extra) + len(end.extra) + len(end.due)


def ends_inside(context: CursorContext, text: str) -> bool:
    """Whether the text ends in a string, in a comment, or in a bracket that it opened itself."""
    behind = nest(context.nesting.due, text, context.language)
    if behind.in_region or context.nesting.in_region:
        return behind.in_region
    return bool(nest((), text, context.language).due)
