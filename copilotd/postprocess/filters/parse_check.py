"""A suggestion does not break a document that could be parsed.

The document is parsed with the suggestion in it. If that gives more syntax errors than before, the
longest beginning of the suggestion that gives no more is kept, or nothing. What the text opens at
its end and has not closed yet is no error.
"""

import re
import time
from collections.abc import Iterator
from itertools import islice

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.postprocess.open_ends import close_text, complete_end, place_holder
from copilotd.syntax.statements import is_unfinished, opens_body
from copilotd.syntax.tokens import is_word_character
from copilotd.syntax.tree import SyntaxTree

_MAX_PARSES = 14
"""Parses for one suggestion; in a file of 2,000 lines one takes 0.3 to 2 ms, in C++ up to 5 ms."""
_MAX_S = 0.008
"""Processor time for one suggestion."""
_MAX_STAND_INS = 3
_MAX_MISSING = 4
"""The most errors that one missing value causes."""
_MAX_CUTS = 6
"""Ends of tokens in the first line that are tried."""

_TOKEN_END = re.compile(r"(?<=\w)(?!\w)|(?<=[^\w\s])")

_TEMPLATE = re.compile(r"\{\{|\{%|<%|<\?|\{#")
_TEMPLATED = frozenset("css html json jsonc shellscript toml".split())
_CONFLICT = "\n>>>>>>> "
"""The end of a merge conflict: nothing around it can be parsed."""
_MACRO = re.compile(r"^\s*[A-Z][A-Z0-9_]{2,}\b(\s*\(.*\))?\s*\{?\s*$", re.M)
_MACROS = frozenset({"c", "cpp"})


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Keep the longest beginning of the text that adds no syntax error."""
    if context.tree is None or _is_beyond_grammar(context, candidate.text):
        return candidate
    if _CONFLICT in context.document.text:
        return candidate
    check = _Check(context, context.tree, candidate)
    if check.is_safe(candidate.text, unfinished=candidate.unfinished) or check.out_of_time:
        return candidate
    for text in _shorten(context, candidate.text):
        if check.is_safe(text, unfinished=False):
            return candidate.with_text(text)
    return Candidate("")


def _is_beyond_grammar(context: CursorContext, text: str) -> bool:
    """Whether the text has templates or macros, which the grammar of the language does not know."""
    if context.language in _TEMPLATED:
        return bool(_TEMPLATE.search(text))
    return context.language in _MACROS and bool(_MACRO.search(text))


class _Check:
    """Counts the syntax errors of the document with a text at the cursor."""

    def __init__(self, context: CursorContext, tree: SyntaxTree, candidate: Candidate) -> None:
        self._context = context
        self._tree = tree
        self._overwrites = candidate.overwrites
        self._allowed: int | None = None
        self._parses = 0
        self._deadline = time.thread_time() + _MAX_S

    @property
    def out_of_time(self) -> bool:
        """Whether a keystroke would have to wait for more parses."""
        return time.thread_time() > self._deadline

    def is_safe(self, text: str, *, unfinished: bool) -> bool:
        """Whether the text, with its end completed, gives no more errors than before."""
        for tail in complete_end(self._context, text, unfinished=unfinished):
            if self._parses >= _MAX_PARSES or self.out_of_time:
                return False
            errors = self._count(text + tail, self._overwrites)
            if errors == 0 or errors <= self._find_allowed():
                return True
        return False

    def _find_allowed(self) -> int:
        """The errors of the document, without those of an end that is missing at the cursor.

        `x = |` has one error, but none once there is a value. If errors remain with a value, the
        document is broken elsewhere, where a text may change their number by chance.
        """
        if self._allowed is None:
            errors = self._tree.error_count
            is_whole = 0 < errors <= _MAX_MISSING and self._is_whole_with_value()
            self._allowed = 0 if is_whole else errors
        return self._allowed

    def _is_whole_with_value(self) -> bool:
        value = place_holder(self._context)
        tails = complete_end(self._context, value, unfinished=False)[:_MAX_STAND_INS]
        return any(self._count(value + tail, 0) == 0 for tail in tails)

    def _count(self, text: str, overwrites: int) -> int:
        self._parses += 1
        start = self._context.offset
        return self._tree.replace(start, start + overwrites, text).error_count


def _shorten(context: CursorContext, text: str) -> Iterator[str]:
    """Shorter texts that end with a whole line or, in the first line, a whole token."""
    lines = text.split("\n")
    for count in range(len(lines) - 1, 0, -1):
        yield from _usable(context, "\n".join(lines[:count]))
    first = lines[0]
    ends = [match.start() for match in _TOKEN_END.finditer(first)]
    for end in islice(reversed(ends), _MAX_CUTS):
        if 0 < end < len(first):
            yield from _usable(context, first[:end])


def _usable(context: CursorContext, text: str) -> Iterator[str]:
    """The text, unless it ends in the air, or glues a word to the next one."""
    text = text.rstrip()
    if not any(map(is_word_character, text)) or close_text(context, text):
        return
    last = (context.line_before + text).rpartition("\n")[2]
    if is_unfinished(last, context.language) or opens_body(last, context.language):
        return
    if not (is_word_character(text[-1]) and is_word_character(context.line_after[:1])):
        yield text
