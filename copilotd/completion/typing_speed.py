"""How fast a user types, and when the last keystroke was."""

from collections import OrderedDict
from collections.abc import Hashable

_PAUSE_S = 1.0
"""A longer gap says nothing about the next one."""
_SAME_EVENT_S = 0.25
"""An editor sends a request within this time of the change; a later one follows a cursor move."""
_WEIGHT = 0.3
_MAX_KEYS = 100


class TypingSpeed:
    """The usual gap between the requests of a key, as a moving average, and its last event."""

    def __init__(self) -> None:
        self._requests: OrderedDict[Hashable, float] = OrderedDict()
        self._gaps: dict[Hashable, float] = {}
        self._events: OrderedDict[Hashable, tuple[float, bool]] = OrderedDict()

    def record_change(self, key: Hashable, now: float) -> None:
        """Record that the user typed something."""
        self._record_event(key, now, typed=True)

    def quiet_s(self, key: Hashable, now: float) -> float:
        """The seconds from the event that caused a request at `now` to the request.

        If nothing was typed, a moved cursor caused it: 0 seconds ago, or infinitely long ago if the
        cursor rested before.
        """
        then, typed = self._events.get(key, (float("-inf"), False))
        if typed and now - then < _SAME_EVENT_S:
            return now - then
        self._record_event(key, now, typed=False)
        return 0.0 if now - then < _SAME_EVENT_S else float("inf")

    def usual_gap(self, key: Hashable, now: float) -> float | None:
        """Record a request at `now`; return the seconds within which the next one may come.

        None for the first request and after a pause.
        """
        gap = now - self._requests.pop(key, float("-inf"))
        self._requests[key] = now
        while len(self._requests) > _MAX_KEYS:
            self._gaps.pop(self._requests.popitem(last=False)[0], None)
        if gap > _PAUSE_S:
            return None
        usual = self._gaps.get(key, gap)
        self._gaps[key] = usual + _WEIGHT * (gap - usual)
        return self._gaps[key]

    def _record_event(self, key: Hashable, now: float, *, typed: bool) -> None:
        self._events[key] = now, typed
        self._events.move_to_end(key)
        if len(self._events) > _MAX_KEYS:
            self._events.popitem(last=False)
