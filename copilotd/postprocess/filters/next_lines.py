"""The model must not repeat the lines below the cursor."""

from itertools import takewhile

from copilotd.postprocess.balance import ends_inside
from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.lines import Line, indent_width, is_trivial, split_lines

_COMPARED = 6
"""Lines below the cursor that are compared."""


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text before the first line that repeats the next line below the cursor.

    One such line is enough if it is not trivial, has the same indentation, and is not the first
    line of the text. Otherwise two in a row are needed.
    """
    below = context.below[:_COMPARED]
    if not below or "\n" not in text:
        return None
    lines = [line for line in _whole_lines(context, text) if line.complete]
    for index, line in enumerate(lines):
        alone = index > 0 and _stands_alone(context, text, line)
        if _repeats(lines[index:], below, 1 if alone else 2):
            return line.cut_before
    return None


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Drop a text of one line that repeats the next line below the cursor."""
    lines = _whole_lines(context, candidate.text)
    if len(lines) == 1 and context.below and _repeats(lines, context.below, 1):
        return candidate.with_text("")
    return candidate


def _whole_lines(context: CursorContext, text: str) -> list[Line]:
    """The lines of the text, without the first one if code follows the cursor on its line."""
    lines = split_lines(text, context.line_before)
    return [line for line in lines if line.start > 0] if context.line_after.strip() else lines


def _stands_alone(context: CursorContext, text: str, line: Line) -> bool:
    """Whether the line is a statement; a decorator or a part of a call may well occur twice."""
    if line.text.lstrip().startswith(("@", "#[")):
        return False
    return context.nesting.in_region or not ends_inside(context, text[: line.start])


def _repeats(lines: list[Line], below: tuple[str, ...], needed: int) -> bool:
    repeated = [other for _, other in takewhile(_are_equal, zip(lines, below, strict=False))]
    if len(repeated) > 1:
        return not all(map(is_trivial, repeated))
    alike = len(repeated) == needed and indent_width(lines[0].text) == indent_width(below[0])
    return alike and not is_trivial(below[0])


def _are_equal(pair: tuple[Line, str]) -> bool:
    line, other = pair
    return line.text.strip() == other.strip()
