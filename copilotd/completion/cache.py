"""Suggestions that were made, so that text typed along one is served without the model."""

from collections import OrderedDict
from dataclasses import dataclass

from copilotd.types import Completion, Document

_BEFORE = 2048
_AFTER = 512


@dataclass(frozen=True, slots=True)
class _Entry:
    before: str
    after: str
    id: str
    text: str
    overwrites: int


class CompletionCache:
    """Remembers the last `capacity` suggestions over all documents.

    A suggestion is known by its surroundings (2,048 code points before and 512 after it), so an
    edit further away does not lose it, and neither does going back and typing again.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    def remember(self, document: Document, completion: Completion) -> None:
        """Keep `completion`, which was made for `document`; the oldest one goes."""
        before, after = _surroundings(document, completion.start)
        key = (document.uri, before)
        overwrites = completion.end - completion.start
        self._entries[key] = _Entry(before, after, completion.id, completion.text, overwrites)
        self._entries.move_to_end(key)
        while len(self._entries) > self.capacity:
            self._entries.popitem(last=False)

    def find(self, document: Document, offset: int) -> Completion | None:
        """What is left of a suggestion of which the text before `offset` is a typed part."""
        before, after = _surroundings(document, offset)
        for key, entry in reversed(self._entries.items()):
            if key[0] != document.uri or entry.after != after:
                continue
            typed = _typed_since(entry, before)
            if typed is not None and len(typed) < len(entry.text) and entry.text.startswith(typed):
                self._entries.move_to_end(key)
                rest = entry.text[len(typed) :]
                return Completion(entry.id, rest, offset, offset + entry.overwrites)
        return None

    def clear(self) -> None:
        """Forget everything: the model or the settings changed."""
        self._entries.clear()


def _surroundings(document: Document, offset: int) -> tuple[str, str]:
    text = document.text
    return text[max(0, offset - _BEFORE) : offset], text[offset : offset + _AFTER]


def _typed_since(entry: _Entry, before: str) -> str | None:
    """What stands in `before` behind the entry's own position; None if that was elsewhere."""
    start = before.rfind(entry.before[-64:]) if len(entry.before) >= 64 else 0
    while start >= 0:
        split = start + len(entry.before[-64:])
        head, typed = before[:split], before[split:]
        if entry.text.startswith(typed) and (entry.before.endswith(head) or head == entry.before):
            return typed
        start = before.rfind(entry.before[-64:], 0, start)
    return None
