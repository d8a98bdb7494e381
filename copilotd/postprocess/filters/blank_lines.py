"""Blank lines are not doubled, neither at the cursor nor inside of the text."""

import re

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.languages import STRICTLY_INDENTED
from copilotd.syntax.lines import indentation

_NEAR = 200
"""Lines on either side of the cursor that show the style of the file."""
_ENDLESS = re.compile(r"(?:[ \t]*\r?\n){6,}")
"""The model writes nothing but line ends."""


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text before a run of line ends."""
    found = _ENDLESS.search(text)
    return found.start() if found else None


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Remove blank lines beyond the longest run in the file; those above the cursor count too."""
    if context.nesting.in_region or "\n" not in candidate.text:
        return candidate
    run = _count_blank_above(context) if context.at_line_start else 0
    kept: list[str] = []
    blank: list[str] = []
    for number, line in enumerate(candidate.text.split("\n")):
        whole = line if number else context.line_before + line
        if not whole.strip():
            blank.append(line)
            continue
        count = run + len(blank)
        # One blank line is right everywhere.
        surplus = count - _limit(context, line) if count > 1 else 0
        kept += _remove(context, blank, surplus, line) if surplus > 0 else [*blank, line]
        run, blank = 0, []
    return candidate.with_text("\n".join(kept + blank))


def _remove(context: CursorContext, blank: list[str], surplus: int, line: str) -> list[str]:
    """The lines without `surplus` of the blank ones before `line`."""
    rest = blank[surplus:]
    if rest or not blank:
        return [*rest, line]
    # The line moves to the cursor's line, which is indented already.
    start = context.line_before
    return [line[len(start) :]] if line.startswith(start) else [blank[0], line]


def _count_blank_above(context: CursorContext) -> int:
    count = 0
    for line in reversed(context.lines_above):
        if line.strip():
            return count
        count += 1
    # Blank lines at the top of a file separate nothing.
    return 0


def _limit(context: CursorContext, line: str) -> int:
    """The longest run of blank lines before a line that is indented, or not, like this one."""
    top = not indentation(line)
    usual = 2 if top and context.language in STRICTLY_INDENTED else 1
    above = context.lines_above[-_NEAR:]
    sides = (above[: len(above) - _count_blank_above(context)], context.lines_below[:_NEAR])
    return max(usual, *(_find_longest_run(side, top) for side in sides))


def _find_longest_run(lines: tuple[str, ...], top: bool) -> int:
    """The most blank lines between two lines, the second of which is at the top level or not."""
    longest, run, begun = 0, 0, False
    for line in lines:
        if not line.strip():
            run += 1
            continue
        if begun and top == (not indentation(line)):
            longest = max(longest, run)
        run, begun = 0, True
    return longest
