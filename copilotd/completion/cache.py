"""Suggestions that were made, so that text typed along one is served without the model."""

from collections import OrderedDict
from dataclasses import dataclass

from copilotd.types import Completion, Document, Explanation

_BEFORE = 2048
_AFTER = 512
_PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}


@dataclass(frozen=True, slots=True)
class _Entry:
    completion: Completion
    explanation: Explanation
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Hit:
    """What is left of a suggestion, and how the whole of it came about."""

    completion: Completion
    explanation: Explanation


class CompletionCache:
    """Remembers the last `capacity` suggestions over all documents.

    A suggestion is known by its place and its surroundings (2,048 code points before and 512 after
    it), so it is found again after going back, and lost when anything near it changes.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._entries: OrderedDict[tuple[str, int, str], _Entry] = OrderedDict()

    def remember(
        self, document: Document, completion: Completion, explanation: Explanation
    ) -> None:
        """Keep `completion`, which was made for `document`; the oldest one goes."""
        before, after = _surroundings(document.text, completion.start, completion.start)
        key = (document.uri, completion.start, before)
        self._entries[key] = _Entry(completion, explanation, before, after)
        self._entries.move_to_end(key)
        while len(self._entries) > self.capacity:
            self._entries.popitem(last=False)

    def find(self, document: Document, offset: int) -> Hit | None:
        """What is left of a suggestion whose beginning has been typed up to `offset`."""
        for key, entry in reversed(self._entries.items()):
            if key[0] == document.uri and (rest := _rest(entry, document.text, offset)):
                self._entries.move_to_end(key)
                return Hit(rest, entry.explanation)
        return None

    def clear(self) -> None:
        """Forget everything: the model or the settings changed."""
        self._entries.clear()


def _surroundings(text: str, start: int, end: int) -> tuple[str, str]:
    return text[max(0, start - _BEFORE) : start], text[end : end + _AFTER]


def _rest(entry: _Entry, text: str, offset: int) -> Completion | None:
    made = entry.completion
    typed = text[made.start : offset]
    if not made.start <= offset < made.start + len(made.text) or not made.text.startswith(typed):
        return None
    before, after = _surroundings(text, made.start, offset)
    closers = _auto_closed(typed) if after != entry.after else ""
    if before != entry.before or after != (closers + entry.after)[: len(after)]:
        return None
    rest = made.text[len(typed) :]
    if not _brings(rest, closers):
        return None
    # The editor closed the typed brackets by itself: the rest brings its own and replaces those.
    overwrites = made.end - made.start + len(closers)
    return Completion(made.id, rest, offset, offset + overwrites)


def _auto_closed(typed: str) -> str:
    """What an editor puts behind the cursor when `typed` is typed, innermost bracket first."""
    open_pairs: list[str] = []
    for character in typed:
        if open_pairs and character == open_pairs[-1]:
            open_pairs.pop()
        elif character in _PAIRS:
            open_pairs.append(_PAIRS[character])
    return "".join(reversed(open_pairs))


def _brings(text: str, closers: str) -> bool:
    at = 0
    for closer in closers:
        at = text.find(closer, at) + 1
        if not at:
            return False
    return True
