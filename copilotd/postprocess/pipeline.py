"""Runs the filters in the order of these lists."""

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from copilotd.postprocess.context import Candidate, CursorContext, Filter, FilterStep, StreamFilter
from copilotd.postprocess.filters import (
    alignment,
    auto_closed,
    blank,
    blank_lines,
    body_indentation,
    chatter,
    closing_lines,
    control_characters,
    dangling_end,
    extra_closers,
    finished_statement,
    first_indentation,
    glued_words,
    line_above,
    line_endings,
    line_limit,
    merge_conflict,
    next_lines,
    one_entry,
    one_line,
    parse_check,
    prefix_echo,
    recipes,
    region_end,
    repeated_lines,
    repetition,
    rest_of_line,
    scope,
    sentence,
    special_tokens,
    tabs_and_spaces,
    top_level,
    trailing_space,
    unfinished,
)
from copilotd.syntax.lines import unify_line_ends

_log = logging.getLogger(__name__)

_P = ParamSpec("_P")
_R = TypeVar("_R")

STREAMING: tuple[tuple[str, StreamFilter], ...] = (
    ("special tokens", special_tokens.truncate_at),
    ("chatter", chatter.truncate_at),
    ("finished statement", finished_statement.truncate_at),
    ("sentence", sentence.truncate_at),
    ("one line", one_line.truncate_at),
    ("rest of line", rest_of_line.truncate_at),
    ("alignment", alignment.truncate_at),
    ("region end", region_end.truncate_at),
    ("merge conflict", merge_conflict.truncate_at),
    ("next lines", next_lines.truncate_at),
    ("repeated lines", repeated_lines.truncate_at),
    ("one entry", one_entry.truncate_at),
    ("scope", scope.truncate_at),
    ("top level", top_level.truncate_at),
    ("repetition", repetition.truncate_at),
    ("blank lines", blank_lines.truncate_at),
    ("line limit", line_limit.truncate_at),
)
"""Each filter may end generation; every filter is applied to the finished text as well."""


def _as_final(truncate: StreamFilter) -> Filter:
    def apply(context: CursorContext, candidate: Candidate) -> Candidate:
        # The newline marks the last line as complete.
        keep = truncate(context, candidate.text + "\n")
        return candidate if keep is None else candidate.with_text(candidate.text[:keep])

    return apply


FINAL: tuple[tuple[str, Filter], ...] = (
    ("control characters", control_characters.apply),
    ("special tokens", special_tokens.apply),
    ("chatter", chatter.apply),
    ("prefix echo", prefix_echo.apply),
    ("repetition", repetition.apply),
    ("unfinished", unfinished.apply),
    ("line above", line_above.apply),
    ("blank lines", blank_lines.apply),
    ("tabs and spaces", tabs_and_spaces.apply),
    ("first indentation", first_indentation.apply),
    ("body indentation", body_indentation.apply),
    ("recipes", recipes.apply),
    *((name, _as_final(truncate)) for name, truncate in STREAMING),
    ("next lines", next_lines.apply),
    ("closing lines", closing_lines.apply),
    ("trailing space", trailing_space.apply),
    ("repeated lines", repeated_lines.apply),
    ("finished statement", finished_statement.apply),
    ("glued words", glued_words.apply),
    ("dangling end", dangling_end.apply),
    ("alignment", alignment.apply),
    ("auto-closed", auto_closed.apply),
    ("extra closers", extra_closers.apply),
    ("parse check", parse_check.apply),
    ("blank", blank.apply),
    ("line endings", line_endings.apply),
)


def truncate_at(context: CursorContext, text: str) -> tuple[str, int] | None:
    """The name of the streaming filter that ends generation, and the length of the text to keep.

    Called after every chunk with the whole text so far. If several filters end it, the shortest
    text wins.
    """
    context = context.innermost
    # A CR at the end may be the first half of a line end.
    text = unify_line_ends(text.removesuffix("\r"))
    lead = _run_guarded("chatter", 0, chatter.lead, context, text)
    if lead is None:
        return None
    body = text[lead:]
    found: list[tuple[int, str]] = []
    for name, truncate in STREAMING:
        keep = _run_guarded(name, None, truncate, context, body)
        if keep is not None:
            found.append((lead + keep, name))
    return min(found)[::-1] if found else None


def apply_final_filters(
    context: CursorContext, candidate: Candidate
) -> tuple[Candidate, tuple[FilterStep, ...]]:
    """Run the final filters; the steps list the ones that changed the candidate.

    An empty text means that nothing is shown.
    """
    context = context.innermost
    steps: list[FilterStep] = []
    for name, filter in FINAL:
        if not candidate.text:
            return Candidate(""), tuple(steps)
        changed = _run_guarded(name, candidate, filter, context, candidate)
        if changed != candidate:
            steps.append(FilterStep(name, candidate.text, changed.text))
        candidate = changed
    return candidate, tuple(steps)


def _run_guarded(
    name: str, fallback: _R, step: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs
) -> _R:
    """A fault barrier: a filter that raises is logged and skipped."""
    try:
        return step(*args, **kwargs)
    except Exception:
        _log.exception("the filter %r failed", name)
        return fallback
