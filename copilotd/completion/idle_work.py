"""Runs work in pauses: it starts after a quiet moment, and the next event cancels it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from copilotd.errors import CopilotdError

log = logging.getLogger(__name__)

PAUSE_S = 0.35
"""Longer than most gaps between keystrokes, so that typing seldom cancels what it just started."""


class IdleWork:
    """Holds one piece of work at a time, the newest one."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        self._pause_s = pause_s
        self._task: asyncio.Task[None] | None = None

    def schedule(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` after a pause, in place of the scheduled or running work."""
        self.cancel()
        self._task = asyncio.create_task(self._run_after_pause(work))

    def cancel(self) -> None:
        """Cancel the scheduled or running work."""
        if self._task is not None:
            self._task.cancel()

    async def _run_after_pause(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await asyncio.sleep(self._pause_s)
        # A fault barrier: no request waits for this work, and none needs it.
        try:
            await work()
        except CopilotdError as error:
            log.debug("nothing prepared: %s", error.message)
        except Exception:
            log.exception("preparing in a pause failed")
