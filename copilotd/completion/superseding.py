"""Only the newest work of a key continues."""

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Superseded(Exception):
    """Newer work with the same key replaced this one."""


class NewestOnly:
    """Runs work in tasks; new work cancels the running work of the same key."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Coroutine[Any, Any, T]) -> T:
        """Await `work`; cancelling the caller cancels it too.

        Raises:
            Superseded: newer work with the same key was started.

        """
        task = asyncio.create_task(work)
        older = self._tasks.get(key)
        self._tasks[key] = task
        if older is not None:
            older.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise Superseded from None
        finally:
            if self._tasks.get(key) is task:
                del self._tasks[key]
