"""A task that several requests wait for."""

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any

GRACE_S = 0.06
"""An editor that cancels a request sends the next one at once; until then the work continues."""


class SharedTask:
    """Runs `work`, and cancels it `grace_s` seconds after the last waiting request has ended.

    With None, the work must check `is_awaited` by itself. `detach` lets the work run to its end
    even if no request waits.
    """

    def __init__(self, work: Coroutine[Any, Any, None], grace_s: float | None = GRACE_S) -> None:
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(_retrieve_exception)
        self._grace_s = grace_s
        self._waiting = 0
        self._is_detached = False

    @property
    def is_awaited(self) -> bool:
        """Whether a request waits for it."""
        return self._waiting > 0

    @property
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._task.done()

    @property
    def failed(self) -> bool:
        """Whether it was cancelled, or raised an error."""
        return self.done and (self._task.cancelled() or self._task.exception() is not None)

    def cancel(self) -> None:
        """Cancel the work for all requests."""
        self._task.cancel()

    def detach(self) -> None:
        """Let the work run even if no request waits."""
        self._is_detached = True

    @contextmanager
    def awaiting(self) -> Generator[None]:
        """Count as a waiting request inside this context."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if self._grace_s is not None and not self._is_needed:
                asyncio.get_running_loop().call_later(self._grace_s, self._cancel_if_unneeded)

    async def result(self) -> None:
        """Wait for the end. Raises: the exception of the work."""
        with self.awaiting():
            await asyncio.shield(self._task)

    @property
    def _is_needed(self) -> bool:
        return self.is_awaited or self._is_detached

    def _cancel_if_unneeded(self) -> None:
        if not self._is_needed:
            self._task.cancel()


def _retrieve_exception(task: "asyncio.Task[None]") -> None:
    # asyncio logs an exception that is never retrieved, and the last request may have ended.
    if not task.cancelled():
        task.exception()
