"""Checks whether a user has only typed at the place of a completion since it was made."""

from dataclasses import dataclass

from copilotd.completion.types import Completion
from copilotd.documents import Document

_BEFORE = 2048
_AFTER = 512
_PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}


@dataclass(frozen=True, slots=True)
class TypedText:
    """The text typed at a site, and the `closers` that the editor inserted after it."""

    text: str
    closers: str


@dataclass(frozen=True, slots=True)
class CompletionSite:
    """The place of a completion, with 2,048 code points before and 512 after it.

    It is found again after the cursor moves away and back, and lost when text near it changes.
    """

    uri: str
    offset: int
    before: str
    after: str

    @staticmethod
    def of(document: Document, offset: int) -> "CompletionSite":
        """The site at `offset` of `document`."""
        text = document.text
        before = text[max(0, offset - _BEFORE) : offset]
        return CompletionSite(document.uri, offset, before, text[offset : offset + _AFTER])

    def find_typed(self, document: Document, offset: int) -> TypedText | None:
        """The text between this site and `offset`; None if other text has changed."""
        text = document.text
        if document.uri != self.uri or offset < self.offset:
            return None
        if text[max(0, self.offset - _BEFORE) : self.offset] != self.before:
            return None
        typed, after = text[self.offset : offset], text[offset : offset + _AFTER]
        closers = _auto_closers(typed) if after != self.after else ""
        if after != (closers + self.after)[: len(after)]:
            return None
        return TypedText(typed, closers)

    def remaining(
        self, completion: Completion, document: Document, offset: int
    ) -> Completion | None:
        """The rest of a completion made here, if its beginning has been typed up to `offset`."""
        if not self.offset <= offset < self.offset + len(completion.text):
            return None
        typed = self.find_typed(document, offset)
        if typed is None or not completion.text.startswith(typed.text):
            return None
        rest = completion.text[len(typed.text) :]
        if not _contains_in_order(rest, typed.closers):
            return None
        # The rest has its own copy of the brackets that the editor closed, so it replaces those.
        replaced = completion.end - completion.start + len(typed.closers)
        return Completion(completion.id, rest, offset, offset + replaced)


def _auto_closers(typed: str) -> str:
    """The closers that an editor adds after the cursor for `typed`, innermost first."""
    open_pairs: list[str] = []
    for character in typed:
        if open_pairs and character == open_pairs[-1]:
            open_pairs.pop()
        elif character in _PAIRS:
            open_pairs.append(_PAIRS[character])
    return "".join(reversed(open_pairs))


def _contains_in_order(text: str, closers: str) -> bool:
    at = 0
    for closer in closers:
        at = text.find(closer, at) + 1
        if not at:
            return False
    return True
