"""A completion ends with the cursor's block."""

from copilotd.postprocess.balance import ends_inside
from copilotd.postprocess.block import Block, find_block, is_closed_below
from copilotd.postprocess.context import CursorContext, Mode
from copilotd.syntax.languages import PREPROCESSED, PROSE
from copilotd.syntax.lines import (
    Line,
    begins_with_closer,
    indent_width,
    may_become_closer,
    opens_block,
    split_lines,
)


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the lines of the block, and the line that closes it if the document has none.

    A line belongs to the block if its indentation is at least that of the block, if a bracket of
    the text is still open there, or if it is part of a string or a comment.
    """
    if context.mode is not Mode.BLOCK or context.language in PROSE or "\n" not in text:
        return None
    block = find_block(context, text)
    for line in split_lines(text):
        if _belongs(context, block, line, text):
            continue
        if not line.complete and may_become_closer(line.text, context.language):
            return None
        if _is_missing_closer(context, block, line):
            if opens_block(line.text):
                continue
            return line.cut_after if line.complete else None
        return line.cut_before
    return None


def _belongs(context: CursorContext, block: Block, line: Line, text: str) -> bool:
    if line.start == 0 or indent_width(line.text) >= block.base or line.text.lstrip()[:1] == "{":
        return True
    if context.language in PREPROCESSED and line.text.lstrip()[:1] == "#":
        return True
    return ends_inside(context, text[: line.start])


def _is_missing_closer(context: CursorContext, block: Block, line: Line) -> bool:
    closer = begins_with_closer(line.text, context.language)
    return (
        closer and indent_width(line.text) == block.opener and not is_closed_below(context, block)
    )
