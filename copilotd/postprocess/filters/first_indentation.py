"""The first line is indented once, not again after the indentation before the cursor."""

import re

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.postprocess.indentation import find_step
from copilotd.syntax.languages import STRICTLY_INDENTED
from copilotd.syntax.lines import indent_width, indentation, opens_block
from copilotd.syntax.nesting import scan_nesting

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
    cursor, expected = indent_width(context.line_before), _find_max_column(context)
    depth = indent_width(context.line_before + lead)
    if expected is None or depth == expected or _suits_next_line(context, candidate.text, depth):
        return candidate
    if depth > expected and lead == context.line_before:
        return candidate.with_text(first)
    if depth > expected >= cursor and expected in (cursor, indent_width(lead)):
        return candidate.with_text(lead[: expected - cursor] + first)
    if cursor == 0 and not _BRANCH.match(first) and _is_impossible(context, depth, expected):
        return candidate.with_text(_shift(candidate.text, expected - depth))
    return candidate


def _is_clear(context: CursorContext) -> bool:
    """Whether the line above is a whole statement, or the end of one."""
    above = context.line_above
    if not above or context.nesting.in_region or above.lstrip()[:1] in ("#", "@"):
        return False
    return not (scan_nesting((), above, context.language).extra or above.endswith("\\"))


def _find_max_column(context: CursorContext) -> int | None:
    """The largest column at which the text may begin, if the line above determines it."""
    strict = context.language in STRICTLY_INDENTED
    if strict and context.nesting.due:
        return None
    above = context.line_above.rstrip()
    if opens_block(above, context.language) and above[-1] not in "([":
        # The editor has indented the cursor's line, which shows the step if nothing else does.
        own = indent_width(context.line_before) - indent_width(above)
        return indent_width(above) + find_step(context, own if own > 0 else 4)
    return indent_width(above) if strict or above[-1] in ";}" else None


def _suits_next_line(context: CursorContext, text: str, depth: int) -> bool:
    """Whether the document continues at the same depth after plain statements."""
    opens = any(opens_block(line, context.language) for line in text.split("\n"))
    return bool(context.below) and indent_width(context.below[0]) == depth and not opens


def _is_impossible(context: CursorContext, depth: int, expected: int) -> bool:
    """Whether a strict language does not allow a statement at `depth` here."""
    if context.language not in STRICTLY_INDENTED or "\t" in context.document.text:
        return False
    return depth > expected or (expected > indent_width(context.line_above) == depth)


def _shift(text: str, columns: int) -> str:
    lines = text.split("\n")
    if columns > 0:
        return "\n".join(" " * columns + line if line.strip() else line for line in lines)
    return "\n".join(line[min(-columns, indent_width(line)) :] for line in lines)
