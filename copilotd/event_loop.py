"""What may run on the event loop: work that ends within a slice, so that no client waits.

Everything on the loop is either limited at the edge, so that it always ends within SLICE_S, or
gives the loop back between its steps with `Slices`. `StallWatch` logs what does neither. Threads
help only with work that releases the interpreter's lock; `json`, `re` and jinja do not.
"""

import asyncio
import logging
import selectors
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import FrameType
from typing import Any

log = logging.getLogger(__name__)

SLICE_S = 0.01
"""Seconds on the loop after which long work lets others run."""
STALL_S = 0.1
"""A user notices a longer delay."""
_HOUR_S = 3600.0
_MAX_STALLS = 1000
_MAX_FRAMES = 12


class Slices:
    """Gives the loop back between the steps of long work, when a slice is over."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    async def pause(self) -> None:
        """Let others run, if this work has run for a slice. Call it after every step."""
        if time.perf_counter() - self._started >= SLICE_S:
            await asyncio.sleep(0)
            self._started = time.perf_counter()


@dataclass(frozen=True, slots=True)
class Stall:
    """Work held the loop for `seconds`, until `at` (of `time.monotonic`).

    `stack` shows what ran when it had lasted for STALL_S; it is empty where the system cannot tell.
    """

    seconds: float
    at: float
    stack: str


class StallWatch:
    """Notices and logs work that holds the loop longer than STALL_S.

    It costs two system calls for each turn of a busy loop and nothing while the loop sleeps: an
    alarm is set when the loop wakes up, and cancelled when it goes to sleep. The alarm's handler
    runs between two instructions of the work that holds the loop.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._stack = ""
        self._stalls: deque[Stall] = deque(maxlen=_MAX_STALLS)
        self._has_alarm = False

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        """Run `main` in a loop that is watched, like `asyncio.run`; only in the main thread."""
        before = self._install()
        try:
            with asyncio.Runner(loop_factory=self._create_loop) as runner:
                runner.run(main)
        finally:
            self._set_alarm(0)
            if self._has_alarm:
                signal.signal(signal.SIGALRM, before)

    @property
    def worst(self) -> Stall | None:
        """The longest stall of the last hour."""
        recent = [stall for stall in self._stalls if self._clock() - stall.at < _HOUR_S]
        return max(recent, key=lambda stall: stall.seconds, default=None)

    def begin_turn(self) -> None:
        """The loop woke up."""
        self._began = self._clock()
        self._set_alarm(STALL_S)

    def end_turn(self) -> None:
        """The loop goes to sleep."""
        self._set_alarm(0)
        now = self._clock()
        if now - self._began > STALL_S:
            stall = Stall(now - self._began, now, self._stack)
            self._stalls.append(stall)
            log.warning(
                "the event loop was held for %.0f ms\n%s", 1000 * stall.seconds, stall.stack
            )
        self._stack = ""

    def _record(self, stall: Stall) -> None:
        self._stalls.append(stall)
        log.warning("the event loop was held for %.0f ms\n%s", 1000 * stall.seconds, stall.stack)

    def _create_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(_WatchedSelector(self))

    def _install(self) -> Any:
        self._has_alarm = hasattr(signal, "setitimer")
        return signal.signal(signal.SIGALRM, self._on_alarm) if self._has_alarm else None

    def _set_alarm(self, seconds: float) -> None:
        if self._has_alarm:
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        self._stack = "".join(traceback.format_stack(frame, limit=_MAX_FRAMES))


class _WatchedSelector(selectors.DefaultSelector):
    """Tells the watch when the loop wakes up and goes to sleep."""

    def __init__(self, watch: StallWatch) -> None:
        super().__init__()
        self._watch = watch

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._watch.end_turn()
        events = super().select(timeout)
        self._watch.begin_turn()
        return events
