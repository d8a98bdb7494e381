"""A text does not end in the air: with a header, a decorator, a lone comment, an open block.

It is cut back to the last complete statement or closed block. If that leaves nothing, because the
first line opens the block or the docstring that is not closed, the text is closed instead.
"""

import re
from dataclasses import dataclass

from copilotd.postprocess.balance import count_mismatches
from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.languages import MARKUP, PROSE
from copilotd.syntax.lines import Line, indent_width, indentation, split_lines
from copilotd.syntax.nesting import scan_nesting
from copilotd.syntax.statements import (
    closes_word_block,
    is_comment,
    is_decorator,
    is_key_without_value,
    is_section,
    is_unfinished,
    opens_body,
    opens_word_block,
    word_that_closes,
)

_LABEL = re.compile(r"\s*[A-Z][\w ]*:$")
"""A heading in a docstring, such as `Args:`."""
_CLOSERS = frozenset({")", "]", "}", '"""', "'''", "*/"})


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Cut the text back to the last complete statement, or close what it opens."""
    if context.language in PROSE or context.language in MARKUP or context.line_after.strip():
        return candidate
    if context.nesting.in_region:
        return _end_region(context, candidate)
    closed = _end_text(context, candidate)
    if candidate.unfinished:
        return closed
    return closed.with_text(_close_block_of_cursor(context, closed.text))


def _end_text(context: CursorContext, candidate: Candidate) -> Candidate:
    text = _drop_dangling_lines(context, _drop_last_comma(context, candidate.text))
    if not _find_open_blocks(context, text):
        return candidate.with_text(text)
    closed = _drop_dangling_lines(context, _cut_to_closed(context, text))
    if closed and not _is_header(context, closed):
        return candidate.with_text(closed)
    return candidate.with_text(text if candidate.unfinished else _close(context, text))


# --- lines that need another one -------------------------------------------------------------


def _drop_dangling_lines(context: CursorContext, text: str) -> str:
    lines = split_lines(text, context.line_before)
    while len(lines) > 1 and _is_dangling(context, text, lines):
        text = text[: lines[-1].cut_before].rstrip("\n")
        lines.pop()
    if len(lines) == 1 and _is_lone_comment(context, lines[0]):
        return ""
    return text


def _drop_last_comma(context: CursorContext, text: str) -> str:
    """The text without its last comma, if it is the last member of a JSON object or list."""
    if context.language != "json" or not text.endswith(","):
        return text
    return text[:-1] if next(iter(context.below), "").lstrip()[:1] in ("}", "]") else text


def _is_dangling(context: CursorContext, text: str, lines: list[Line]) -> bool:
    """Whether the last line says that another one follows, and the document has none for it."""
    line, language = lines[-1], context.language
    if _is_in_region(context, text[: max(line.start, 0)]):
        return False
    if is_comment(line.text, language):
        # A comment describes the line below, unless everything in the text is a comment.
        return not all(is_comment(other.text, language) for other in lines)
    if not _needs_more(line.text, language):
        return False
    below = next(iter(context.below), "")
    return not (opens_body(line.text, language) and _is_body(below, line.text))


def _needs_more(line: str, language: str) -> bool:
    return (
        opens_body(line, language)
        or is_decorator(line)
        or is_section(line, language)
        or is_key_without_value(line, language)
        or (is_unfinished(line, language) and not line.rstrip().endswith(","))
    )


def _is_body(below: str, header: str) -> bool:
    return indent_width(below) > indent_width(header)


def _is_lone_comment(context: CursorContext, line: Line) -> bool:
    """Whether the whole text is one comment on a line of its own, with nothing to describe."""
    if not context.at_line_start or not is_comment(line.text, context.language):
        return False
    if not any(character.isalnum() for character in line.text):
        return False
    return not any(below.strip() for below in context.lines_below[:1])


# --- blocks ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _OpenBlock:
    """A bracket, a string or a block that the text opens in `line` and does not close."""

    line: str
    closer: str
    is_word: bool = False


def _find_open_blocks(context: CursorContext, text: str) -> list[_OpenBlock]:
    """What the text opens and does not close, outermost first."""
    blocks: list[_OpenBlock] = []
    for line in split_lines(text, context.line_before):
        if line.start < 0 and not text[: line.cut_after].strip():
            continue
        if _opens_word(context, text, line):
            closer = word_that_closes(line.text, context.language)
            blocks.append(_OpenBlock(line.text, closer, is_word=True))
        elif closes_word_block(line.text, context.language) and any(b.is_word for b in blocks):
            blocks.remove(next(block for block in reversed(blocks) if block.is_word))
        due = scan_nesting((), text[: line.cut_after], context.language).due
        closers = [end for end in due if end != "\n"]
        brackets = [block for block in blocks if not block.is_word]
        for block in brackets[len(closers) :]:
            blocks.remove(block)
        blocks += [_OpenBlock(line.text, closer) for closer in closers[len(brackets) :]]
    return blocks


def _opens_word(context: CursorContext, text: str, line: Line) -> bool:
    # If the text only ends the cursor's line, the user opened the block of that line.
    if line.start <= 0 and not context.at_line_start:
        return False
    is_header = opens_word_block(line.text, context.language)
    return is_header and not _is_in_region(context, text[: max(line.start, 0)])


def _cut_to_closed(context: CursorContext, text: str) -> str:
    """The longest beginning of whole lines that leaves nothing open."""
    for line in reversed(split_lines(text, context.line_before)):
        shorter = text[: max(line.cut_after, 0)]
        if not _find_open_blocks(context, shorter):
            return shorter
    return ""


def _is_header(context: CursorContext, text: str) -> bool:
    lines = split_lines(text, context.line_before)
    return len(lines) == 1 and opens_body(lines[0].text, context.language)


def _close(context: CursorContext, text: str) -> str:
    """The text with the closers that it lacks, if it has a body and the document matches then."""
    blocks = _find_open_blocks(context, text)
    if len(split_lines(text, context.line_before)) < 2 or not _CLOSERS.issuperset(
        block.closer for block in blocks if not block.is_word
    ):
        return text
    closed, opener = _drop_labels(text.rstrip()), ""
    for block in reversed(blocks):
        # Brackets that one line opens are closed on one line.
        closed += "" if block.line == opener else "\n" + indentation(block.line)
        closed, opener = closed + block.closer, block.line
    is_better = count_mismatches(context, closed) < count_mismatches(context, text)
    return closed if is_better or blocks[0].is_word else text


def _close_block_of_cursor(context: CursorContext, text: str) -> str:
    """The body of the block that the cursor's line opens, with the brace that the file lacks."""
    if not context.line_before.rstrip().endswith("{") or "\n" not in text.strip(" \t"):
        return text
    if not text.strip() or _closes_outer(context, text):
        return text
    closed = f"{text.rstrip()}\n{indentation(context.line_before)}}}"
    return closed if count_mismatches(context, closed) < count_mismatches(context, text) else text


def _closes_outer(context: CursorContext, text: str) -> bool:
    """Whether the text closes a bracket that was open at the cursor."""
    return bool(scan_nesting((), text, context.language).extra)


# --- strings and comments over several lines -------------------------------------------------


def _end_region(context: CursorContext, candidate: Candidate) -> Candidate:
    """Close the docstring that the user has begun, if the document has no end for it."""
    due = scan_nesting(context.nesting.due, candidate.text, context.language).due
    if not due or due[-1] not in ('"""', "'''") or "\n" not in candidate.text.strip():
        return candidate
    if candidate.unfinished or context.after.count(due[-1]) % 2:
        return candidate
    text = _drop_labels(candidate.text)
    return candidate.with_text(f"{text}\n{indentation(context.line_before)}{due[-1]}")


def _drop_labels(text: str) -> str:
    lines = text.rstrip().split("\n")
    while len(lines) > 1 and (_LABEL.match(lines[-1]) or not lines[-1].strip()):
        lines.pop()
    return "\n".join(lines)


def _is_in_region(context: CursorContext, text: str) -> bool:
    return scan_nesting(context.nesting.due, text, context.language).in_region
