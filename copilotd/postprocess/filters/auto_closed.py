"""Editors insert closing brackets and quotes while the user types; so does the model.

`def ad|)` with the text `d(a, b):` must not leave the old `)` behind.
"""

import re
from collections.abc import Iterable

from copilotd.postprocess.balance import count_mismatches
from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.lines import indentation
from copilotd.syntax.nesting import scan_nesting

_CLOSERS = re.compile(r"\s*[)\]}\"'`](?:[ \t]*[)\]}\"'`])*")
_ONLY_PUNCTUATION = re.compile(r"(?:[^\w\s]|</[\w:.-]+>|\s)+")
_TOKENS = re.compile(r"</[\w:.-]+>|\S")


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Replace the closers after the cursor that the text repeats.

    Other closers stay; after a text of several lines they get a line of their own.
    """
    rest = context.line_after.rstrip()
    if not is_only_punctuation(rest) or not candidate.text.strip():
        return candidate
    if _has_all_closers(context, candidate.text, rest):
        return Candidate(candidate.text.rstrip(), len(rest), candidate.unfinished)
    closers = _CLOSERS.match(rest)
    if closers is None:
        return candidate
    count = _count_copies(context, candidate.text, closers[0])
    if count == 0:
        return candidate.with_text(_move_closer_down(context, candidate.text))
    return Candidate(candidate.text, count, candidate.unfinished)


def is_only_punctuation(rest: str) -> bool:
    """Whether the rest of the line has marks and closing tags, but no word."""
    return bool(rest.strip()) and bool(_ONLY_PUNCTUATION.fullmatch(rest))


def _has_all_closers(context: CursorContext, text: str, rest: str) -> bool:
    """Whether the text has the same ending as the line, and leaves the same brackets open."""
    tokens = _TOKENS.findall(rest)
    if not text.rstrip().endswith(tokens[-1]) or not contains_in_order(tokens, text):
        return False
    due = context.nesting.due
    return (
        scan_nesting(due, text, context.language).due
        == scan_nesting(due, rest, context.language).due
    )


def _count_copies(context: CursorContext, text: str, closers: str) -> int:
    """How many of `closers` to replace, because the text closes the same brackets."""
    count = min(range(len(closers) + 1), key=lambda n: (count_mismatches(context, text, n), n))
    return count if contains_in_order("".join(closers[:count].split()), text) else 0


def contains_in_order(tokens: Iterable[str], text: str) -> bool:
    """Whether all tokens are in the text, one behind the other."""
    place = 0
    for token in tokens:
        place = text.find(token, place) + len(token)
        if place < len(token):
            return False
    return True


def _move_closer_down(context: CursorContext, text: str) -> str:
    if text[0] != "\n" or context.line_after[:1] not in (")", "]", "}"):
        return text
    return text.rstrip() + "\n" + indentation(context.line_before)
