"""In configuration, only the entry at the cursor can be guessed; further ones are inventions."""

from copilotd.postprocess.balance import ends_inside
from copilotd.postprocess.context import CursorContext
from copilotd.syntax.lines import Line, indent_width, split_lines
from copilotd.syntax.statements import CONFIGURATION, is_comment, is_section

_MAX_LINES = 4
_MAX_SIBLINGS = 3
"""Short entries of one mapping, such as the three lines of a step, belong together."""
_NESTED = frozenset({"hcl", "json", "jsonc", "yaml"})


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the entry at the cursor: a few lines, up to a blank one or the next entry."""
    if context.language not in CONFIGURATION or context.nesting.in_region or "\n" not in text:
        return None
    lines = split_lines(text, context.line_before)
    for index in range(1, len(lines)):
        if index >= _MAX_LINES or not _belongs(context, text, lines, index):
            return lines[index - 1].cut_after
    return None


def _belongs(context: CursorContext, text: str, lines: list[Line], index: int) -> bool:
    """Whether the line belongs to the entry of the lines before it."""
    line, previous, first = lines[index], lines[index - 1], lines[0]
    if "\n" in text[previous.cut_after + 1 : line.start] and previous.cut_after > 0:
        return False
    if is_section(line.text, context.language):
        return False
    if ends_inside(context, text[: line.start]) or previous.text.rstrip().endswith("\\"):
        return True
    # A comment or the header of a section begins the entry.
    if is_comment(previous.text, context.language) or is_section(previous.text, context.language):
        return True
    base, depth = indent_width(first.text), indent_width(line.text)
    if depth > base:
        return True
    if context.language not in _NESTED:
        return False
    # The end of a mapping is left to the filters of blocks.
    is_list_of_values = all(indent_width(other.text) == base for other in lines[:index])
    return depth < base or (base > 0 and index < _MAX_SIBLINGS and is_list_of_values)
