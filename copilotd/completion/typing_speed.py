"""How fast somebody types."""

from collections import OrderedDict
from collections.abc import Hashable

_PAUSE_S = 1.0
"""A longer gap says nothing of the next one."""
_AT_ONCE_S = 0.25
"""An editor asks within this time of a change; a later request is about a cursor that moved."""
_WEIGHT = 0.3
_REMEMBERED = 100


class Rhythm:
    """The usual gap between the requests of a key, as a moving average, and what happened last."""

    def __init__(self) -> None:
        self._last: OrderedDict[Hashable, float] = OrderedDict()
        self._gaps: dict[Hashable, float] = {}
        self._events: OrderedDict[Hashable, tuple[float, bool]] = OrderedDict()

    def changed(self, key: Hashable, now: float) -> None:
        """Something was typed."""
        self._happened(key, now, typed=True)

    def quiet_s(self, key: Hashable, now: float) -> float:
        """A request came at `now`; how long nothing happened since what it is about.

        If nothing was typed, it is about a cursor that has just moved: no time at all, or any time
        if it was at rest before.
        """
        then, typed = self._events.get(key, (float("-inf"), False))
        if typed and now - then < _AT_ONCE_S:
            return now - then
        self._happened(key, now, typed=False)
        return 0.0 if now - then < _AT_ONCE_S else float("inf")

    def _happened(self, key: Hashable, now: float, *, typed: bool) -> None:
        self._events[key] = now, typed
        self._events.move_to_end(key)
        if len(self._events) > _REMEMBERED:
            self._events.popitem(last=False)

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
