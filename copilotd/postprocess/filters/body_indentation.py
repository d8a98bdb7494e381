"""The lines after the first one are indented by the step of the file.

Models like four columns, whatever the file has. If the first line follows the indentation before
the cursor, the others may be deeper than it although they belong to the same block.
"""

import re
from dataclasses import dataclass

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.postprocess.indentation import find_step
from copilotd.syntax.languages import PROSE
from copilotd.syntax.lines import indent_width, indentation, indentation_step, opens_block
from copilotd.syntax.nesting import scan_nesting

_STEPS = frozenset({2, 3, 4, 8})
_CONTINUES = re.compile(r"[,+*/=<>|&?.(\[{\\-]\s*$|\b(and|or|not|in|is)\s*$")
"""The end of a line that the next one continues."""
_CONTINUATION = re.compile(r"\s*([.+*/|&?:<>-]|&&|and\b|or\b)")
"""The start of a line that continues the one above."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Indentation beyond column `base` has steps of `old` columns, and should have `new` ones."""

    base: int
    old: int
    new: int

    def fits(self, columns: int) -> bool:
        return columns <= self.base or (columns - self.base) % self.old == 0

    def convert(self, columns: int) -> int:
        if columns <= self.base:
            return columns
        return self.base + (columns - self.base) // self.old * self.new


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Change the step of the text to that of the file, if all of its lines have another step."""
    first, *rest = candidate.text.split("\n")
    code = [line for line in rest if line.strip()]
    if not code or context.language in PROSE or context.nesting.in_region:
        return candidate
    if any("\t" in indentation(line) for line in [context.line_before, *code]):
        return candidate
    scale = _find_scale(context, context.line_before + first, code)
    if scale is None or not all(scale.fits(indent_width(line)) for line in code):
        return candidate
    return candidate.with_text("\n".join([first, *(_convert(line, scale) for line in rest)]))


def _find_scale(context: CursorContext, first: str, code: list[str]) -> _Scale | None:
    scale = (
        _scale_of_block(context, first, code)
        if context.at_line_start and first.strip() and not opens_block(first, context.language)
        else _scale_below(context, first, code)
    )
    if scale is None or scale.old == scale.new or not {scale.old, scale.new} <= _STEPS:
        return None
    return scale


def _scale_of_block(context: CursorContext, first: str, code: list[str]) -> _Scale | None:
    """The scale if the second line is deeper than the first one, without a reason."""
    cursor, column = indent_width(first), indent_width(code[0])
    if column <= cursor or not cursor or _is_continued(context, first, code[0]):
        return _scale_below(context, first, code)
    parents = (line for line in reversed(context.lines_above) if line.strip())
    base = next((width for line in parents if (width := indent_width(line)) < cursor), None)
    if base is None:
        return None
    return _Scale(base, column - base, cursor - base)


def _scale_below(context: CursorContext, first: str, code: list[str]) -> _Scale | None:
    """The scale that the blocks of the text show."""
    lines = [first, *code] if first.strip() else [context.line_above, *code]
    old = indentation_step(lines, 0, context.language)
    new = find_step(context, _own_step(context))
    return _Scale(indent_width(lines[0]), old, new) if old and new else None


def _own_step(context: CursorContext) -> int:
    """The step that the editor gave the cursor's line; 0 if it shows none."""
    above = context.line_above
    if not context.at_line_start or not opens_block(above, context.language):
        return 0
    return max(0, indent_width(context.line_before) - indent_width(above))


def _is_continued(context: CursorContext, line: str, following: str) -> bool:
    """Whether the second line may be deeper because it continues the first one."""
    is_open = scan_nesting((), line, context.language).due
    return bool(is_open or _CONTINUES.search(line) or _CONTINUATION.match(following))


def _convert(line: str, scale: _Scale) -> str:
    if not line.strip():
        return line
    return " " * scale.convert(indent_width(line)) + line.lstrip(" ")
