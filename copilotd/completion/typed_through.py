"""Where a suggestion was made, and whether somebody has only typed there since."""

from dataclasses import dataclass

from copilotd.completion.types import Completion
from copilotd.documents import Document

_BEFORE = 2048
_AFTER = 512
_PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed at an origin, and the `closers` that the editor put behind it by itself."""

    text: str
    closers: str


@dataclass(frozen=True, slots=True)
class Origin:
    """A place, known by its surroundings: 2,048 code points before and 512 after it.

    So it is found again after going back, and lost when anything near it changes.
    """

    uri: str
    offset: int
    before: str
    after: str

    @staticmethod
    def of(document: Document, offset: int) -> "Origin":
        """The place at `offset` of `document`."""
        text = document.text
        before = text[max(0, offset - _BEFORE) : offset]
        return Origin(document.uri, offset, before, text[offset : offset + _AFTER])

    def typed(self, document: Document, offset: int) -> Typed | None:
        """What stands between this place and `offset`; None if anything else has changed."""
        text = document.text
        if document.uri != self.uri or offset < self.offset:
            return None
        if text[max(0, self.offset - _BEFORE) : self.offset] != self.before:
            return None
        typed, after = text[self.offset : offset], text[offset : offset + _AFTER]
        closers = _auto_closed(typed) if after != self.after else ""
        if after != (closers + self.after)[: len(after)]:
            return None
        return Typed(typed, closers)

    def rest(self, made: Completion, document: Document, offset: int) -> Completion | None:
        """What is left of a suggestion made here whose beginning has been typed up to `offset`."""
        if not self.offset <= offset < self.offset + len(made.text):
            return None
        typed = self.typed(document, offset)
        if typed is None or not made.text.startswith(typed.text):
            return None
        rest = made.text[len(typed.text) :]
        if not _brings(rest, typed.closers):
            return None
        # The editor closed the typed brackets by itself: the rest brings its own, over those.
        overwrites = made.end - made.start + len(typed.closers)
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
