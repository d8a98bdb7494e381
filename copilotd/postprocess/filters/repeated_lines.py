"""Lines that already stand near the cursor are not written again.

`line_above` and `next_lines` compare the lines directly around the cursor. This filter looks
further: a definition, an import or a key occurs once in its block, and a statement seldom twice
within a few lines. Accepted text is such a line, too.
"""

import re
from collections.abc import Iterator

from copilotd.postprocess.balance import ends_inside
from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.postprocess.nearby import above, code_of
from copilotd.syntax.languages import MARKUP, PROSE
from copilotd.syntax.lines import Line, indent_width, is_trivial, split_lines
from copilotd.syntax.statements import (
    CONFIGURATION,
    defines_name,
    is_decorator,
    is_section,
    opens_body,
)

_REACH = 200
"""Lines around the cursor that are searched for definitions, imports and keys."""
_NEXT = 6
"""Statements below the cursor that are compared."""
_PREVIOUS = 2
"""Statements above the cursor that a text of one line is compared with."""
_LONG = 12
"""A shorter statement may well occur twice."""

_IMPORT = re.compile(r"(?:import|from|use|using|require|include|#include|#import)\b")
_KEY = re.compile(r"(?!- )(?:export )?(\"[^\"]+\"|'[^']+'|[\w.-]+)\s*[:=]")


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text before the first line that the document already has."""
    if _is_exempt(context):
        return None
    lowest: int | None = None
    for line in split_lines(text, context.line_before):
        depth = indent_width(line.text)
        is_nested = lowest is not None and depth > lowest
        lowest = depth if lowest is None else min(lowest, depth)
        begun = line.start <= 0 and not context.at_line_start
        # A block of the text itself has its own definitions and keys.
        if (
            begun
            or is_nested
            or not line.complete
            or ends_inside(context, text[: max(line.start, 0)])
        ):
            continue
        if _is_known(context, line):
            return line.cut_before
    return None


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Drop a text that only writes the lines above once more."""
    if _is_exempt(context) or not context.at_line_start:
        return candidate
    lines = split_lines(candidate.text, context.line_before)
    codes = [code for line in lines if (code := code_of(context, line.text))]
    if all(map(is_trivial, codes)) or not _has_column_of_line_above(context, lines[0]):
        return candidate
    return candidate.with_text("") if _is_copy_of_above(context, lines, codes) else candidate


def _is_exempt(context: CursorContext) -> bool:
    exempt = context.language in PROSE or context.language in MARKUP
    return exempt or context.nesting.in_region or bool(context.line_after.strip())


def _has_column_of_line_above(context: CursorContext, line: Line) -> bool:
    return indent_width(line.text) == indent_width(context.line_above)


def _is_copy_of_above(context: CursorContext, lines: list[Line], codes: list[str]) -> bool:
    previous = above(context)[::-1]
    for size in range(1, min(len(codes), len(previous)) + 1):
        copies = len(codes) // size
        if codes == previous[-size:] * copies:
            return True
    is_statement = len(codes) == 1 and not opens_body(lines[-1].text, context.language)
    return is_statement and len(codes[0]) >= _LONG and codes[0] in previous[-_PREVIOUS:]


def _is_known(context: CursorContext, line: Line) -> bool:
    language, code = context.language, code_of(context, line.text)
    if not code or is_trivial(code) or is_decorator(line.text):
        return False
    if _IMPORT.match(code):
        return code in _codes(context, (*_lines_above(context), *_lines_below(context)))
    if language in CONFIGURATION:
        return _is_known_entry(context, line, code)
    depth = indent_width(line.text)
    if defines_name(line.text, language):
        block = (*_block(_lines_above(context), depth), *_block(_lines_below(context), depth))
        return code in _codes(context, block)
    if len(code) < _LONG or opens_body(line.text, language):
        return False
    following = [other for other in _block(_lines_below(context), depth) if other.strip()]
    return code in _codes(context, following[:_NEXT])


def _is_known_entry(context: CursorContext, line: Line, code: str) -> bool:
    """Whether the section or the mapping already has this line, or an entry with this key."""
    language, depth = context.language, indent_width(line.text)
    below = list(_entries(_lines_below(context), depth, language))
    if is_section(line.text, language):
        return code in _codes(context, (*_lines_above(context), *_lines_below(context)))
    if code in _codes(context, below):
        return True
    key = _KEY.match(code)
    if key is None or language in ("conf", "dockerfile", "hcl"):
        return False
    siblings = (*below, *_entries(_lines_above(context), depth, language))
    keys = (_KEY.match(other) for other in _codes(context, siblings))
    return key[1] in {other[1] for other in keys if other}


def _entries(lines: tuple[str, ...], depth: int, language: str) -> Iterator[str]:
    """The lines of a block, up to the next section."""
    for line in _block(lines, depth):
        if is_section(line, language):
            return
        if line.lstrip().startswith("- ") and language == "yaml":
            # The next item of a list has the same keys.
            return
        yield line


def _block(lines: tuple[str, ...], depth: int) -> Iterator[str]:
    """The lines at this depth, up to one that is less indented."""
    for line in lines:
        if line.strip() and indent_width(line) < depth:
            return
        if indent_width(line) == depth:
            yield line


def _codes(context: CursorContext, lines: tuple[str, ...] | list[str]) -> set[str]:
    return {code_of(context, line) for line in lines}


def _lines_above(context: CursorContext) -> tuple[str, ...]:
    """The lines above the cursor, the nearest first."""
    return context.lines_above[: -_REACH - 1 : -1]


def _lines_below(context: CursorContext) -> tuple[str, ...]:
    return context.lines_below[:_REACH]
