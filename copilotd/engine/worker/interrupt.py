"""Stops a running batch from another thread.

llama.cpp asks an abort callback between the nodes of its graph. A Python callback there would take
the interpreter lock thousands of times per token, so the callback is the C library's `strlen` and
its argument a one-character buffer: an empty string says go on, a non-empty one says stop.
"""

import ctypes
import ctypes.util
import sys
import threading
from collections.abc import Collection

from copilotd.engine.types import Lane


def strlen_address() -> int:
    """The address of the C library's `strlen`, which takes a pointer and returns 0 for ""."""
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    return ctypes.cast(library.strlen, ctypes.c_void_p).value or 0


class Interrupt:
    """Which requests are in the batch that runs now, and whether it should stop."""

    def __init__(self) -> None:
        self.flag = ctypes.create_string_buffer(2)
        self._lock = threading.Lock()
        self._running: frozenset[int] = frozenset()
        self._yields_to: int = 0
        self._cancelled: set[int] = set()
        self._waiting: int = len(Lane)
        self._stopped = False

    def begin(self, ids: Collection[int], lane: int) -> None:
        """A batch of the requests `ids` begins; an arrival in a lane before `lane` stops it."""
        with self._lock:
            self._running, self._yields_to = frozenset(ids), lane
            cancelled = not self._cancelled.isdisjoint(self._running)
            self.flag[0] = bytes([cancelled or self._waiting < lane or self._stopped])

    def end(self) -> None:
        """The batch is over."""
        with self._lock:
            self._running, self.flag[0] = frozenset(), b"\0"

    def cancel(self, id: int) -> None:
        """Request `id` is not wanted any more."""
        with self._lock:
            self._cancelled.add(id)
            if id in self._running:
                self.flag[0] = b"\1"

    def arrived(self, lane: Lane) -> None:
        """A request came in that has not been scheduled yet."""
        with self._lock:
            self._waiting = min(self._waiting, lane)
            if self._running and lane < self._yields_to:
                self.flag[0] = b"\1"

    def taken(self) -> None:
        """Every request that arrived is with the scheduler now."""
        with self._lock:
            self._waiting = len(Lane)

    def stop(self) -> None:
        """The worker ends: stop the batch that runs, and every later one."""
        with self._lock:
            self._stopped = True
            self.flag[0] = b"\1"

    def is_cancelled(self, id: int) -> bool:
        """Whether `cancel` was called for `id`."""
        return id in self._cancelled

    def forget(self, id: int) -> None:
        """Request `id` is over."""
        with self._lock:
            self._cancelled.discard(id)
