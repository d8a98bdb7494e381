"""One piece of work that several wait for."""

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any

GRACE_S = 0.06
"""An editor that cancels a request asks again at once; until then its work goes on."""


class Shared:
    """Runs `work` in a task, and cancels it `grace_s` after the last one who waited has gone.

    With None the work has to ask by itself whether it is `wanted`. The one who waits last may
    `leave` it running: then it comes to its own end.
    """

    def __init__(self, work: Coroutine[Any, Any, None], grace_s: float | None = GRACE_S) -> None:
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(_retrieve)
        self._grace_s = grace_s
        self._waiting = 0
        self._left = False

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for it."""
        return self._waiting > 0

    @property
    def done(self) -> bool:
        """Whether it is over, in one way or another."""
        return self._task.done()

    @property
    def failed(self) -> bool:
        """Whether it was cancelled, or raised an error."""
        return self.done and (self._task.cancelled() or self._task.exception() is not None)

    def cancel(self) -> None:
        """End it for everybody."""
        self._task.cancel()

    def leave(self) -> None:
        """Let it run although nobody waits."""
        self._left = True

    @contextmanager
    def awaited(self) -> Generator[None]:
        """Somebody waits, in whatever way, for as long as this lasts."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if self._grace_s is not None and not self._waiting and not self._left:
                asyncio.get_running_loop().call_later(self._grace_s, self._drop)

    async def result(self) -> None:
        """Wait for the end. Raises: whatever the work raised."""
        with self.awaited():
            await asyncio.shield(self._task)

    def _drop(self) -> None:
        if not self._waiting and not self._left:
            self._task.cancel()


def _retrieve(task: "asyncio.Task[None]") -> None:
    # Nobody may be there to take the exception, which asyncio would complain of.
    if not task.cancelled():
        task.exception()
