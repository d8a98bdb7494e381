"""Suggestions that were made, so that text typed along one is served without the model."""

from collections import OrderedDict
from dataclasses import dataclass

from copilotd.completion.typed_through import Origin
from copilotd.completion.types import Completion, Explanation
from copilotd.documents import Document


@dataclass(frozen=True, slots=True)
class Hit:
    """What is left of a suggestion, and how the whole of it came about."""

    completion: Completion
    explanation: Explanation


class CompletionCache:
    """Remembers the last `capacity` suggestions over all documents, by where they were made."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._entries: OrderedDict[Origin, Hit] = OrderedDict()

    def remember(
        self, document: Document, completion: Completion, explanation: Explanation
    ) -> None:
        """Keep `completion`, which was made for `document`; the oldest one goes."""
        origin = Origin.of(document, completion.start)
        self._entries[origin] = Hit(completion, explanation)
        self._entries.move_to_end(origin)
        while len(self._entries) > self.capacity:
            self._entries.popitem(last=False)

    def find(self, document: Document, offset: int) -> Hit | None:
        """What is left of a suggestion whose beginning has been typed up to `offset`."""
        for origin, hit in reversed(self._entries.items()):
            if rest := origin.rest(hit.completion, document, offset):
                self._entries.move_to_end(origin)
                return Hit(rest, hit.explanation)
        return None

    def clear(self) -> None:
        """Forget everything: the model or the settings changed."""
        self._entries.clear()
