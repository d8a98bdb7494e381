"""Whether automatic ghost text helps at a cursor.

Each rule is a place where suggestions disturb more often than they help. A user who asks with a key
is always answered, and a suggestion that the user types along stays.
"""

import re
from collections.abc import Hashable

from copilotd.completion.types import CompletionRequest
from copilotd.documents import Document
from copilotd.syntax.languages import MARKUP, PROSE, detect_language
from copilotd.syntax.nesting import Nesting, scan_nesting
from copilotd.syntax.tokens import is_word_character

_REACH = 10_000
"""Characters before the cursor that are searched for open strings."""
_SHORT = 3
"""A string with at most this many characters before the cursor has just been begun."""
_QUOTES = frozenset({'"', "'", "`", '"""', "'''"})
_MAX_CLOSERS = 2
"""Brackets and quotes that an editor closes with one keystroke."""
_FINISHED_ENDS = (";", "}")


class Triggers:
    """Applies the rules to automatic requests; it knows where the user typed last."""

    def __init__(self) -> None:
        self._last_change: tuple[Hashable, int | None] = (None, None)

    def record_change(self, key: Hashable, offset: int | None) -> None:
        """Record that the user changed a document; the cursor is probably at `offset`."""
        self._last_change = key, offset

    def find_reason_for_silence(self, request: CompletionRequest) -> str | None:
        """Why no ghost text is offered for `request`; None if it is offered."""
        typed = self._has_typed(request)
        return find_reason_for_silence(request.document, request.offset, typed=typed)

    def _has_typed(self, request: CompletionRequest) -> bool:
        """Whether the user has just typed at the cursor, as far as the client tells."""
        key, offset = self._last_change
        if request.is_patient or (key == request.key and offset is None):
            return True
        # The editor may have added closers behind the cursor.
        return key == request.key and 0 <= (offset or 0) - request.offset <= _MAX_CLOSERS


def find_reason_for_silence(document: Document, offset: int, *, typed: bool) -> str | None:
    """Why no ghost text is offered here without being asked for; None if it is offered.

    `typed` means that the user's last change was made at the cursor.
    """
    text = document.text
    if not text.strip():
        return "the document is empty"
    left, right = text[offset - 1 : offset], text[offset : offset + 1]
    if is_word_character(left) and is_word_character(right):
        return "the cursor is inside a word"
    language = detect_language(document)
    if language in PROSE:
        return None
    before = text[max(0, offset - _REACH) : offset]
    line = before[before.rfind("\n") + 1 :]
    rest = text[offset:].split("\n", 1)[0]
    if rest.strip():
        return _check_string(before, line, rest, language, typed=typed)
    if line.rstrip().endswith(_FINISHED_ENDS):
        return _check_finished(before, line, language)
    return None


def _check_string(before: str, line: str, rest: str, language: str, *, typed: bool) -> str | None:
    """Silence in front of the closing quote, unless the user is writing the string."""
    if typed or rest[0] not in _QUOTES:
        return None
    nesting = scan_nesting((), before, language)
    quote = _innermost_quote(nesting)
    if quote is None or not rest.startswith(quote):
        return None
    content = line[line.rfind(quote) + len(quote) :]
    return "the cursor is at the end of a string" if len(content) > _SHORT else None


def _check_finished(before: str, line: str, language: str) -> str | None:
    """Silence after `;` and directly after a block's `}`, outside of strings and comments."""
    nesting = scan_nesting((), before, language)
    if nesting.in_region or (nesting.due and nesting.due[-1] in ")]"):
        return None
    if scan_nesting((), line, language).due:
        # The line goes on with another field or statement, as in `{ a: number;`.
        return None
    if line.rstrip().endswith(";"):
        return None if _is_entity(line, language) else "the statement before the cursor is finished"
    return "the block before the cursor is closed" if line.endswith("}") else None


def _is_entity(line: str, language: str) -> bool:
    """Whether the `;` ends a character such as `&nbsp;`."""
    return language in MARKUP and bool(re.search(r"&#?\w+;\s*$", line))


def _innermost_quote(nesting: Nesting) -> str | None:
    quotes = [end for end in nesting.due if end in _QUOTES]
    return quotes[-1] if quotes else None
