"""Only the newest piece of work per key goes on."""

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Superseded(Exception):
    """A newer piece of work with the same key took this one's place."""


class Latest:
    """Runs work in tasks; starting one cancels the older one of the same key."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Coroutine[Any, Any, T]) -> T:
        """Await `work`; cancelling the caller cancels it too.

        Raises:
            Superseded: newer work came in under the same key.

        """
        task = asyncio.create_task(work)
        older = self._tasks.get(key)
        self._tasks[key] = task
        if older is not None:
            older.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            own = asyncio.current_task()
            if own is not None and own.cancelling():
                raise
            raise Superseded from None
        finally:
            if self._tasks.get(key) is task:
                del self._tasks[key]
