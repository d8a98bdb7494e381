"""Instruct models repeat the text before the cursor on its line, such as `def foo(`."""

import re

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.lines import is_trivial
from copilotd.syntax.nesting import scan_nesting

_WORD = re.compile(r"[\w.]+")


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Remove the cursor's line, up to the cursor, from the start of the text."""
    typed, text = context.line_before.strip(), candidate.text.lstrip(" \t")
    if is_trivial(typed) or len(typed) < 3 or not text.startswith(typed):
        return candidate
    rest = text[len(typed) :]
    if _may_be_meant(context, typed, rest):
        return candidate
    return candidate.with_text(rest.lstrip(" \t") if context.line_before[-1].isspace() else rest)


def _may_be_meant(context: CursorContext, typed: str, rest: str) -> bool:
    """Whether a call may be inside a call of the same name: `max(` before `max(a, b), c)`."""
    if len(_WORD.findall(typed)) > 1 or _WORD.fullmatch(typed):
        return False
    echoed = scan_nesting(context.nesting.due, rest, context.language)
    return bool(context.line_after.strip() or echoed.extra)
