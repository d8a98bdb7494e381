"""What became of the suggestions: shown, accepted, rejected; each is counted once."""

from collections import Counter, OrderedDict

_REMEMBERED = 1000


class Feedback:
    """Counts by suggestion id. Unknown and already settled ids are ignored."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, None] = OrderedDict()
        self.counts: Counter[str] = Counter()

    def offered(self, id: str) -> None:
        """A suggestion was handed to a client, which may now say what became of it."""
        self._open[id] = None
        self._open.move_to_end(id)
        while len(self._open) > _REMEMBERED:
            self._open.popitem(last=False)

    def settle(self, id: str, verdict: str) -> None:
        """The user accepted or rejected it."""
        if id in self._open:
            del self._open[id]
            self.counts[verdict] += 1
