"""The first line is indented once, not again after the indentation before the cursor."""

import re

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.languages import STRICTLY_INDENTED
from copilotd.syntax.lines import indentation, indentation_step, opens_block, width
from copilotd.syntax.nesting import nest

_NEAR = 200
"""Lines on either side of the cursor that show the indentation step."""

_BRANCH = re.compile(r"(elif|else|except|finally|of)\b")
"""Statements that may follow a header without a body."""


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Correct too much indentation and, in strict languages, too little.

    If the line above does not determine the depth, the text stays.
    """
    lead = indentation(candidate.text)
    first = candidate.text[len(lead) :]
    if not context.at_line_start or not first.strip() or first[0] == "\n" or not _is_clear(context):
        return candidate
    cursor, wanted = width(context.line_before), _wanted(context)
    depth = width(context.line_before + lead)
    if wanted is None or depth == wanted or _suits_next_line(context, candidate.text, depth):
        return candidate
    if depth > wanted and lead == context.line_before:
        return candidate.with_text(first)
    if depth > wanted >= cursor and wanted in (cursor, width(lead)):
        return candidate.with_text(lead[: wanted - cursor] + first)
    if cursor == 0 and not _BRANCH.match(first) and _is_impossible(context, depth, wanted):
        return candidate.with_text(_shifted(candidate.text, wanted - depth))
    return candidate


def _is_clear(context: CursorContext) -> bool:
    """Whether the line above is a whole statement, or the end of one."""
    above = context.line_above
    if not above or context.nesting.in_region or above.lstrip()[:1] in ("#", "@"):
        return False
    return not (nest((), above, context.language).extra or above.endswith("\\"))


def _wanted(context: CursorContext) -> int | None:
    """The largest column at which the text may begin, if the line above determines it."""
    strict = context.language in STRICTLY_INDENTED
    if strict and context.nesting.due:
        return None
    above = context.line_above.rstrip()
    if opens_block(above) and above[-1] not in "([":
        # The editor has indented the cursor's line, which shows the step if nothing else does.
        own = width(context.line_before) - width(above)
        return width(above) + indentation_step(_near(context), own if own > 0 else 4)
    return width(above) if strict or above[-1] in ";}" else None


def _suits_next_line(context: CursorContext, text: str, depth: int) -> bool:
    """Whether the document continues at the same depth after plain statements."""
    opens = any(opens_block(line) for line in text.split("\n"))
    return bool(context.below) and width(context.below[0]) == depth and not opens


def _is_impossible(context: CursorContext, depth: int, wanted: int) -> bool:
    """Whether a strict language does not allow a statement at `depth` here."""
    if context.language not in STRICTLY_INDENTED or "\t" in context.document.text:
        return False
    return depth > wanted or (wanted > width(context.line_above) == depth)


def _shifted(text: str, columns: int) -> str:
    lines = text.split("\n")
    if columns > 0:
        return "\n".join(" " * columns + line if line.strip() else line for line in lines)
    return "\n".join(line[min(-columns, width(line)) :] for line in lines)


def _near(context: CursorContext) -> tuple[str, ...]:
    return context.lines_above[-_NEAR:] + context.lines_below[:_NEAR]
