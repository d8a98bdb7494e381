"""The block around the cursor, by its indentation."""

from dataclasses import dataclass

from copilotd.postprocess.context import CursorContext
from copilotd.syntax.lines import begins_with_closer, indent_width, split_lines


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its lines are indented by at least `base` columns, its opening line by `opener`."""

    base: int
    opener: int


def find_block(context: CursorContext, text: str) -> Block:
    """The block that `text` belongs to.

    After code on its line, the cursor is about to open a block, or has just opened it, unless it is
    in a string. On a blank line the first line of the text gives the indentation, unless the cursor
    is indented already.
    """
    base = indent_width(context.line_before)
    if not context.at_line_start and not context.nesting.in_region:
        return Block(base + 1, base)
    for line in split_lines(text)[:1] if context.at_line_start else []:
        # Models often repeat the indentation that is already before the cursor.
        base = max(base, indent_width(line.text)) if line.start == 0 else indent_width(line.text)
    above = (indent_width(line) for line in reversed(context.lines_above) if line.strip())
    return Block(base, next((columns for columns in above if columns < base), 0))


def is_closed_below(context: CursorContext, block: Block) -> bool:
    """Whether a line below the cursor already closes the block."""
    for line in context.below:
        if indent_width(line) <= block.opener:
            return indent_width(line) == block.opener and begins_with_closer(line, context.language)
    return False
