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
    """The block that begins at column `start` of the text belongs to column `target`.

    A step inside of it has `old` columns, and should have `new` ones.
    """

    start: int
    target: int
    old: int
    new: int

    def fits(self, columns: int) -> bool:
        return columns <= self.start or self.old == self.new or not self._rest(columns)

    def convert(self, columns: int) -> int:
        if columns < self.start:
            return columns
        steps = (columns - self.start) // self.old
        return self.target + steps * self.new + self._rest(columns)

    def _rest(self, columns: int) -> int:
        return (columns - self.start) % self.old


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Give the text the column of the cursor and the step of the file, if it has others."""
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
    """None if the text has the column and the step of the file already."""
    head = first if first.strip() else context.line_above
    target = indent_width(head)
    start = _find_start(context, first, code) if first.strip() else target
    lines = [" " * start + head.lstrip(), *code]
    old = indentation_step(lines, 0, context.language)
    new = find_step(context, _own_step(context))
    if not {old, new} <= _STEPS:
        old = new = 1
    return None if (start, old) == (target, new) else _Scale(start, target, old, new)


def _find_start(context: CursorContext, first: str, code: list[str]) -> int:
    """The column at which the model thinks that the first line begins."""
    cursor, columns = indent_width(first), [indent_width(line) for line in code]
    start = min(columns)
    if not context.at_line_start or not 0 < cursor < start:
        return cursor
    if opens_block(first, context.language):
        # The lines directly below are its body. A later line may be beside it.
        return start if start < columns[0] else cursor
    is_beside = start == columns[0] and not _is_continued(context, first, code[0])
    return start if is_beside else cursor


def _own_step(context: CursorContext) -> int:
    """The step that the editor gave the cursor's line; 0 if it shows none."""
    above = context.line_above
    if not context.at_line_start or not opens_block(above, context.language):
        return 0
    return max(0, indent_width(context.line_before) - indent_width(above))


def _is_continued(context: CursorContext, line: str, following: str) -> bool:
    """Whether the second line may be deeper because it continues the first one."""
    if scan_nesting((), line, context.language).due or _CONTINUATION.match(following):
        return True
    # In a bracket, a comma separates entries.
    is_entry = context.nesting.due and line.rstrip().endswith(",")
    return not is_entry and bool(_CONTINUES.search(line))


def _convert(line: str, scale: _Scale) -> str:
    if not line.strip():
        return line
    return " " * scale.convert(indent_width(line)) + line.lstrip(" ")
