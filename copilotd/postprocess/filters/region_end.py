"""Inside a comment or a long string, the text ends where the comment or string ends."""

from copilotd.postprocess.context import CursorContext


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text before the end of the comment or string, if the document ends it below."""
    for end in ("*/", '"""', "'''", "`"):
        place = text.find(end)
        if place < 0 or end not in context.nesting.due or end in context.line_after:
            continue
        if _is_ended_below(context.after, end):
            return len(_without_next_line(context, text[:place]).rstrip())
    return None


def _without_next_line(context: CursorContext, text: str) -> str:
    """The text without its last line, if that is the start of the next line below."""
    whole, _, last = text.rpartition("\n")
    below = next(iter(context.below), "").strip()
    return whole if last.strip() and below.startswith(last.strip()) else text


def _is_ended_below(after: str, end: str) -> bool:
    if end == "*/":
        return "/*" not in after.partition("*/")[0] and "*/" in after
    # The same mark begins and ends a string, so an odd number ends this one.
    return after.count(end) % 2 == 1
