"""How the file is indented near the cursor."""

from copilotd.postprocess.context import CursorContext
from copilotd.syntax.lines import indentation_step

_NEAR = 200
"""Lines on either side of the cursor that show it."""


def near_lines(context: CursorContext) -> tuple[str, ...]:
    """The lines around the cursor's, without that one."""
    return context.lines_above[-_NEAR:] + context.lines_below[:_NEAR]


def find_step(context: CursorContext, default: int) -> int:
    """The columns that a block of the file is indented by; `default` if no block shows it."""
    return indentation_step(near_lines(context), default, context.language)
