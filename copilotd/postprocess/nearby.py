"""Whether a line of the text already stands near the cursor."""

from copilotd.postprocess.context import CursorContext
from copilotd.syntax.lines import indent_width, is_trivial
from copilotd.syntax.statements import strip_comment

_REACH = 6
"""Lines above and below the cursor that are compared, without blank ones and comments."""


def stands_nearby(context: CursorContext, line: str) -> bool:
    """Whether the code of `line` is on the cursor's line, or on one of the next lines around it."""
    wanted = code_of(context, line)
    if not wanted or is_trivial(wanted):
        return False
    if wanted == code_of(context, context.line_before):
        return True
    return wanted in above(context) or wanted in below(context)


def above(context: CursorContext, reach: int = _REACH) -> list[str]:
    """The code of the nearest lines above the cursor, the nearest first."""
    near = reversed(context.lines_above[-4 * reach :])
    return [code for line in near if (code := code_of(context, line))][:reach]


def below(context: CursorContext, reach: int = _REACH) -> list[str]:
    """The code of the nearest lines below the cursor, the nearest first."""
    near = context.lines_below[: 4 * reach]
    return [code for line in near if (code := code_of(context, line))][:reach]


def code_of(context: CursorContext, line: str) -> str:
    """The line without indentation, comment and repeated blanks."""
    return " ".join(strip_comment(line, context.language).split())


def same_column(line: str, other: str) -> bool:
    """Whether both lines have the same indentation."""
    return indent_width(line) == indent_width(other)
