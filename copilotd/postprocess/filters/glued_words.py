"""After the last word of a comment or a sentence, the next word needs a space before it."""

import re

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.languages import PROSE

_LAST_WORD = re.compile(r"[^\W\d_]+$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_SMALL_WORDS = frozenset(
    "a an and are as at be by for from has if in into is it not of on or that the then this to was "
    "when which will with".split()
)
_SURE = 3
"""A shorter word before the cursor is more often the beginning of another word."""


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Drop a text whose first word is glued to a word that was finished."""
    last = _LAST_WORD.search(context.line_before)
    first = _FIRST_WORD.match(candidate.text)
    if last is None or first is None or not _is_text(context):
        return candidate
    return candidate.with_text("") if _is_whole(context, last[0], first[0]) else candidate


def _is_text(context: CursorContext) -> bool:
    """Whether the cursor is in prose or in a comment."""
    return context.language in PROSE or "\n" in context.nesting.due or "*/" in context.nesting.due


def _is_whole(context: CursorContext, last: str, first: str) -> bool:
    """Whether both are words by themselves, and no word of the document joins them."""
    if len(last) < _SURE or _occurs(context, last + first):
        return False
    return first in _SMALL_WORDS or (len(first) >= _SURE and _occurs(context, last))


def _occurs(context: CursorContext, word: str) -> bool:
    elsewhere = context.before[: -len(word)] if context.before.endswith(word) else context.before
    pattern = re.compile(rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])", re.IGNORECASE)
    return bool(pattern.search(elsewhere) or pattern.search(context.after))
