"""Stops a running batch from another thread.

llama.cpp calls an abort callback between the nodes of its graph. A Python callback would take the
interpreter lock thousands of times per token, so the callback is the C library's `strlen` and its
argument a one-character buffer: an empty string means go on, a non-empty one means stop.
"""

import ctypes
import ctypes.util
import sys
import threading
from collections.abc import Collection

from copilotd.engine.types import Lane


def find_strlen_address() -> int:
    """The address of the C library's `strlen`, which takes a pointer and returns 0 for ""."""
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    return ctypes.cast(library.strlen, ctypes.c_void_p).value or 0


class Interrupt:
    """Knows the requests in the running batch, and whether the batch should stop."""

    def __init__(self) -> None:
        self.flag = ctypes.create_string_buffer(2)
        self._lock = threading.Lock()
        self._running: frozenset[int] = frozenset()
        self._running_lane: int = 0
        self._cancelled: set[int] = set()
        self._waiting_lane: int = len(Lane)
        self._stopped = False

    def begin_batch(self, ids: Collection[int], lane: int) -> None:
        """A batch of the requests `ids` begins; a request for a lane before `lane` stops it."""
        with self._lock:
            self._running, self._running_lane = frozenset(ids), lane
            is_cancelled = not self._cancelled.isdisjoint(self._running)
            must_stop = is_cancelled or self._waiting_lane < lane or self._stopped
            self.flag[0] = bytes([must_stop])

    def end_batch(self) -> None:
        """The batch is over."""
        with self._lock:
            self._running, self.flag[0] = frozenset(), b"\0"

    def cancel(self, id: int) -> None:
        """Request `id` is cancelled: stop its batch, now or when it begins."""
        with self._lock:
            self._cancelled.add(id)
            if id in self._running:
                self.flag[0] = b"\1"

    def notify_arrival(self, lane: Lane) -> None:
        """A request arrived that the scheduler does not know yet."""
        with self._lock:
            self._waiting_lane = min(self._waiting_lane, lane)
            if self._running and lane < self._running_lane:
                self.flag[0] = b"\1"

    def clear_arrivals(self) -> None:
        """The scheduler knows every request that arrived."""
        with self._lock:
            self._waiting_lane = len(Lane)

    def stop(self) -> None:
        """The worker is ending: stop the running batch and every later one."""
        with self._lock:
            self._stopped = True
            self.flag[0] = b"\1"

    def forget(self, id: int) -> None:
        """Request `id` has ended: forget whether it was cancelled."""
        with self._lock:
            self._cancelled.discard(id)
