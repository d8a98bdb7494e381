"""Completions that must not be offered again: the user dismissed them, or undid the acceptance."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from copilotd.completion.types import (
    Completion,
    CompletionRequest,
    NotShown,
    Outcome,
    Shown,
    Status,
    Trigger,
)
from copilotd.documents import Document

_BEFORE = 200
_AFTER = 100
_MAX_OFFERS = 200
_MAX_DISMISSED = 50
_REASON = "you dismissed this suggestion; it may return when the text here changes"


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor in a file, recognised by the text around it."""

    uri: str
    before: str
    after: str

    @staticmethod
    def of(document: Document, offset: int) -> "Place":
        """The place at `offset` of `document`, with 200 code points before and 100 after it."""
        text = document.text
        before = text[max(0, offset - _BEFORE) : offset]
        return Place(document.uri, before, text[offset : offset + _AFTER])

    def is_in(self, document: Document) -> bool:
        """Whether the document still has this text."""
        return self.before + self.after in document.text


@dataclass(slots=True)
class _Dismissal:
    """A text that is not offered at a place.

    It ends when the text there changes. After an acceptance the place is gone at first, so the
    dismissal begins when an undo brings it back.
    """

    text: str
    has_begun: bool


class Dismissals:
    """Remembers what was offered, and what the user does not want to see again."""

    def __init__(self) -> None:
        self._offers: OrderedDict[str, tuple[Place, str]] = OrderedDict()
        self._dismissed: OrderedDict[Place, _Dismissal] = OrderedDict()

    def offer(self, document: Document, completion: Completion) -> None:
        """Record that `completion` went to a client."""
        self._offers[completion.id] = Place.of(document, completion.start), completion.text
        self._offers.move_to_end(completion.id)
        _drop_oldest(self._offers, _MAX_OFFERS)

    def dismiss(self, id: str) -> None:
        """Hide the completion until the text at its place changes."""
        self._hide(id, has_begun=True)

    def hide_after_undo(self, id: str) -> None:
        """Hide the accepted completion if the user undoes the acceptance."""
        self._hide(id, has_begun=False)

    def hide(self, request: CompletionRequest, outcome: Outcome) -> Outcome:
        """`outcome`, or nothing in place of an unwanted completion that nobody asked for."""
        if request.trigger is Trigger.INVOKED or not isinstance(outcome, Shown):
            return outcome
        if not self.hides(request.document, outcome.completion):
            return outcome
        return NotShown(Status.EMPTY, _REASON, outcome.explanation)

    def hides(self, document: Document, completion: Completion) -> bool:
        """Whether the user does not want to see `completion`, or a part of it, at its place."""
        known = self._dismissed.get(Place.of(document, completion.start))
        if known is None:
            return False
        return completion.text.startswith(known.text) or known.text.startswith(completion.text)

    def follow(self, document: Document) -> None:
        """Forget the dismissals at places whose text has changed."""
        for place, known in list(self._dismissed.items()):
            if place.uri != document.uri:
                continue
            if place.is_in(document):
                known.has_begun = True
            elif known.has_begun:
                del self._dismissed[place]

    def _hide(self, id: str, *, has_begun: bool) -> None:
        if id not in self._offers:
            return
        place, text = self._offers[id]
        self._dismissed[place] = _Dismissal(text, has_begun)
        _drop_oldest(self._dismissed, _MAX_DISMISSED)


def _drop_oldest(entries: OrderedDict[Any, Any], limit: int) -> None:
    while len(entries) > limit:
        entries.popitem(last=False)
