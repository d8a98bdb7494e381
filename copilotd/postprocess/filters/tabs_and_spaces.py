"""The completion is indented like the buffer, with tabs or spaces."""

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.postprocess.indentation import find_step, near_lines
from copilotd.syntax.languages import TABBED
from copilotd.syntax.lines import TAB, indentation

_CLEAR = 9
"""The buffer follows a rule if it has at least this many lines of one kind per line of the
other."""


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Turn leading spaces into tabs, or tabs into spaces, like the buffer.

    A text that mixes both is aligned by hand, so it stays. In a makefile, only a recipe has tabs.
    """
    if context.nesting.in_region or context.language == "makefile":
        return candidate
    lines = candidate.text.split("\n")
    # The start of the first line is no indentation if code is before the cursor.
    first = 0 if context.at_line_start else 1
    leads = [indentation(line) for line in lines[first:] if line.strip()]
    tabs = _uses_tabs(context)
    if tabs is None or set("".join(leads)) != {" " if tabs else "\t"}:
        return candidate
    step = _step_of(leads) if tabs else find_step(context, TAB)
    changed = [_convert(line, tabs, step) for line in lines[first:]]
    return candidate.with_text("\n".join([*lines[:first], *changed]))


def _uses_tabs(context: CursorContext) -> bool | None:
    """Whether the buffer is indented with tabs; None if it has no rule."""
    lines = [context.line_before, *near_lines(context)]
    tabs = sum(line.startswith("\t") for line in lines)
    spaces = sum(line.startswith("  ") for line in lines)
    if tabs == spaces == 0:
        return True if context.language in TABBED else None
    if max(tabs, spaces) < _CLEAR * min(tabs, spaces):
        return None
    return tabs > spaces


def _step_of(leads: list[str]) -> int:
    columns = [len(lead.expandtabs(TAB)) for lead in leads]
    return 4 if all(n % 4 == 0 for n in columns) else 2


def _convert(line: str, tabs: bool, step: int) -> str:
    lead = indentation(line)
    columns = sum(step if c == "\t" else 1 for c in lead)
    new = "\t" * (columns // step) + " " * (columns % step) if tabs else " " * columns
    return new + line[len(lead) :]
