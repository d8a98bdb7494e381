"""Caches completions, so that a user who types along one gets the rest without the model."""

from collections import OrderedDict
from dataclasses import dataclass

from copilotd.completion.typed_through import CompletionSite
from copilotd.completion.types import Completion, Explanation
from copilotd.documents import Document


@dataclass(frozen=True, slots=True)
class CacheHit:
    """The rest of a completion, and the explanation of the whole completion.

    `is_brief` says that it was made from a brief prompt, so a whole one would give a better text.
    `is_typed` says that the user has typed a part of it.
    """

    completion: Completion
    explanation: Explanation
    is_brief: bool = False
    is_typed: bool = False


class CompletionCache:
    """Keeps the last `capacity` completions of all documents, by their sites."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._entries: OrderedDict[CompletionSite, CacheHit] = OrderedDict()

    def add(
        self,
        document: Document,
        completion: Completion,
        explanation: Explanation,
        *,
        is_brief: bool = False,
    ) -> None:
        """Keep `completion`, which was made for `document`; the oldest one may be dropped."""
        site = CompletionSite.of(document, completion.start)
        self._entries[site] = CacheHit(completion, explanation, is_brief)
        self._entries.move_to_end(site)
        while len(self._entries) > self.capacity:
            self._entries.popitem(last=False)

    def find(self, document: Document, offset: int) -> CacheHit | None:
        """The rest of a completion whose beginning has been typed up to `offset`."""
        for site, hit in reversed(self._entries.items()):
            if rest := site.remaining(hit.completion, document, offset):
                self._entries.move_to_end(site)
                is_typed = rest.text != hit.completion.text
                return CacheHit(rest, hit.explanation, hit.is_brief, is_typed)
        return None

    def clear(self) -> None:
        """Forget everything: the model or the settings changed."""
        self._entries.clear()
