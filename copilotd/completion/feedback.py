"""Counts what users did with completions, each completion once."""

from collections import Counter, OrderedDict
from enum import StrEnum

_MAX_OPEN = 1000
_WEIGHT = 0.05
_INITIAL_ACCEPTANCE = 0.3
"""The share of completions that users of hosted tools accept, as those tools report it."""
_OFTEN = 0.1
"""If a user accepts at least this share of completions, it pays to prepare the next one early."""


class Verdict(StrEnum):
    """The user's reaction to a completion."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Feedback:
    """Counts verdicts by completion id. Ids that are unknown or already counted are ignored.

    `acceptance` is the share of the latest completions that were accepted, 0 to 1.
    `accepted_lengths` has how many code points of each were accepted, None for all.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[str, None] = OrderedDict()
        self._newest = ""
        self.counts: Counter[Verdict] = Counter()
        self.acceptance = _INITIAL_ACCEPTANCE
        self.accepted_lengths: OrderedDict[str, int | None] = OrderedDict()

    @property
    def is_accepted_often(self) -> bool:
        """Whether the user accepts enough completions for work on the next one to pay."""
        return self.acceptance >= _OFTEN

    def offer(self, id: str) -> None:
        """Record that a completion went to a client, which may report a verdict from now on."""
        if id != self._newest:
            self.acceptance *= 1 - _WEIGHT
        self._newest = id
        self._open[id] = None
        self._open.move_to_end(id)
        while len(self._open) > _MAX_OPEN:
            self._open.popitem(last=False)

    def accept(self, id: str, length: int | None = None) -> None:
        """Record that the user accepted the completion, or its first `length` code points.

        It counts once; later calls for the same completion only change its accepted length.
        """
        if self._settle(id, Verdict.ACCEPTED):
            self.acceptance += _WEIGHT
            self.accepted_lengths[id] = length
        elif id in self.accepted_lengths:
            self.accepted_lengths[id] = length
        while len(self.accepted_lengths) > _MAX_OPEN:
            self.accepted_lengths.popitem(last=False)

    def reject(self, id: str) -> None:
        """Record that the user dismissed the completion."""
        self._settle(id, Verdict.REJECTED)

    def _settle(self, id: str, verdict: Verdict) -> bool:
        if id not in self._open:
            return False
        del self._open[id]
        self.counts[verdict] += 1
        return True
