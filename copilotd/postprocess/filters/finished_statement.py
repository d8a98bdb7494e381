"""A text that begins with a line end says that the statement before the cursor is finished.

Automatic ghost text shows nothing there: the user opens the next line first. A user who asks with a
key, or ends a comment, gets the next statement or block, as a whole.
"""

from copilotd.postprocess.balance import ends_inside
from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.postprocess.nearby import stands_nearby
from copilotd.syntax.languages import MARKUP, PROSE
from copilotd.syntax.lines import Line, begins_with_closer, indent_width, is_trivial, split_lines
from copilotd.syntax.statements import is_comment, is_decorator, is_unfinished, opens_body


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep nothing, or one whole statement or block where the user wants one."""
    if not begins_next_line(context, text):
        return None
    if not _is_wanted(context):
        return 0
    lines = split_lines(text)
    for index, line in enumerate(lines[1:], start=1):
        if not _belongs(context, text, lines[:index], line):
            return line.cut_before if line.complete or line.text.strip() else None
    return None


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Drop a lone header, a lone keyword, and a statement that stands nearby."""
    if not begins_next_line(context, candidate.text):
        return candidate
    lines = split_lines(candidate.text)
    if not lines:
        return candidate
    if len(lines) == 1 and _is_header_or_word(lines[0].text, context.language):
        return candidate.with_text("")
    return candidate.with_text("") if stands_nearby(context, lines[0].text) else candidate


def begins_next_line(context: CursorContext, text: str) -> bool:
    """Whether the text begins the line after a finished statement or comment."""
    return text.lstrip(" \t\r")[:1] == "\n" and is_at_end(context)


def is_at_end(context: CursorContext) -> bool:
    """Whether the cursor is at the end of a line with a finished statement or a comment."""
    language = context.language
    if language in PROSE or language in MARKUP:
        return False
    if context.at_line_start or context.line_after.strip():
        return False
    if is_comment(context.line_before, language):
        return True
    due = context.nesting.due
    if due and due[-1] not in ("}", "\n"):
        return False
    before = context.line_before
    if language == "sql" and not before.rstrip().endswith(";"):
        return False
    return not (opens_body(before, language) or is_unfinished(before, language))


def _is_wanted(context: CursorContext) -> bool:
    return context.invoked or is_comment(context.line_before, context.language)


def _belongs(context: CursorContext, text: str, before: list[Line], line: Line) -> bool:
    """Whether the line belongs to the statement or block that the lines before it begin."""
    language = context.language
    first, previous = before[0], before[-1]
    if ends_inside(context, text[: line.start]) or is_unfinished(previous.text, language):
        return True
    if is_comment(previous.text, language) or is_decorator(previous.text):
        return True
    if indent_width(line.text) > indent_width(first.text):
        return True
    is_block = len(before) > 1 or opens_body(first.text, language)
    same = indent_width(line.text) == indent_width(first.text)
    return (is_block and same and begins_with_closer(line.text, language)) or (
        same and line.text.strip() == "{"
    )


def _is_header_or_word(line: str, language: str) -> bool:
    if begins_with_closer(line, language):
        return False
    word = line.strip()
    if opens_body(line, language) or is_unfinished(line, language):
        return True
    return word.isidentifier() and not is_trivial(word)
