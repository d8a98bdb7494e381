"""How fast somebody types."""

from collections import OrderedDict
from collections.abc import Hashable

_PAUSE_S = 1.0
"""A longer gap says nothing of the next one."""
_WEIGHT = 0.3
_REMEMBERED = 100


class Rhythm:
    """The usual gap between the requests of one key, as a moving average."""

    def __init__(self) -> None:
        self._last: OrderedDict[Hashable, float] = OrderedDict()
        self._gaps: dict[Hashable, float] = {}

    def beat(self, key: Hashable, now: float) -> float | None:
        """A request came at `now`; the seconds in which the next may come, None if unknown.

        Nothing is known at the first one, and after a pause.
        """
        gap = now - self._last.pop(key, float("-inf"))
        self._last[key] = now
        while len(self._last) > _REMEMBERED:
            self._gaps.pop(self._last.popitem(last=False)[0], None)
        if gap > _PAUSE_S:
            return None
        usual = self._gaps.get(key, gap)
        self._gaps[key] = usual + _WEIGHT * (gap - usual)
        return self._gaps[key]
