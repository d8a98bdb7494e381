"""The model must not repeat the lines directly above the cursor."""

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.lines import Line, indent_width, is_trivial, opens_block, split_lines

_COMPARED = 6
"""Lines above the cursor that are compared."""


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Remove repeated lines that open a block; drop a text that only repeats the line above."""
    if not context.at_line_start or context.line_after.strip():
        return candidate
    lines = split_lines(candidate.text, context.line_before)
    count = _count_repeated(context, lines)
    repeated = lines[:count]
    if not repeated or all(is_trivial(line.text) for line in repeated):
        return candidate
    if count == len(lines):
        same = indent_width(lines[0].text) == indent_width(_nearest_above(context)[-count])
        return candidate.with_text("") if same else candidate
    if any(opens_block(line.text) for line in repeated):
        return candidate.with_text(candidate.text[repeated[-1].cut_after + 1 :])
    return candidate


def _count_repeated(context: CursorContext, lines: list[Line]) -> int:
    """How many lines at the start of the text repeat the last lines above the cursor."""
    above = [line.strip() for line in _nearest_above(context)]
    texts = [line.text.strip() for line in lines]
    for count in range(min(len(lines), len(above)), 0, -1):
        if texts[:count] == above[-count:]:
            return count
    return 0


def _nearest_above(context: CursorContext) -> list[str]:
    return [line for line in context.lines_above[-2 * _COMPARED :] if line.strip()][-_COMPARED:]
