"""A line that closes a block (`}`, `});`, `end`) is not repeated if it is already below."""

from copilotd.postprocess.block import find_block
from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.lines import (
    Line,
    begins_with_closer,
    indent_width,
    is_trivial,
    split_lines,
)
from copilotd.syntax.nesting import scan_nesting


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Cut closing lines at the end that are also the next lines below the cursor.

    Lines that close a block of the text itself stay.
    """
    if context.line_after.strip():
        return candidate
    lines = split_lines(candidate.text, context.line_before)
    if not context.at_line_start:
        # The user has begun to type the closer on the cursor's line.
        lines = [line for line in lines if line.start > 0]
    for count in range(min(len(lines), len(context.below)), 0, -1):
        tail = lines[-count:]
        if _are_below(context, tail) and _close_outer(context, candidate.text, tail[0]):
            return candidate.with_text(candidate.text[: tail[0].cut_before])
    return candidate


def _are_below(context: CursorContext, tail: list[Line]) -> bool:
    return all(
        line.text.strip() == other.strip()
        and indent_width(line.text) == indent_width(other)
        and is_trivial(line.text)
        and begins_with_closer(line.text, context.language)
        for line, other in zip(tail, context.below, strict=False)
    )


def _close_outer(context: CursorContext, text: str, line: Line) -> bool:
    if indent_width(line.text) < find_block(context, text).base:
        return True
    own = scan_nesting((), text[: max(line.start, 0)], context.language)
    return not own.due and bool(scan_nesting((), line.text, context.language).extra)
