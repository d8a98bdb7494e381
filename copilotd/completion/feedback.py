"""What became of the suggestions: shown, accepted, rejected; each is counted once."""

from collections import Counter, OrderedDict

_REMEMBERED = 1000
_WEIGHT = 0.05
_FIRST_GUESS = 0.3
"""What hosted tools report as the share of suggestions that is accepted."""


class Feedback:
    """Counts by suggestion id. Unknown and already settled ids are ignored.

    `acceptance` is the share of the latest suggestions that was accepted, 0 to 1.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[str, None] = OrderedDict()
        self._newest = ""
        self.counts: Counter[str] = Counter()
        self.acceptance = _FIRST_GUESS

    def offered(self, id: str) -> None:
        """A suggestion was handed to a client, which may now say what became of it."""
        if id != self._newest:
            self.acceptance *= 1 - _WEIGHT
        self._newest = id
        self._open[id] = None
        self._open.move_to_end(id)
        while len(self._open) > _REMEMBERED:
            self._open.popitem(last=False)

    def settle(self, id: str, verdict: str) -> None:
        """The user accepted or rejected it."""
        if id in self._open:
            del self._open[id]
            self.counts[verdict] += 1
            self.acceptance += _WEIGHT * (verdict == "accepted")
