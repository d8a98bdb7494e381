"""Work for the pauses: begun when nothing has happened for a moment, dropped when something has."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from copilotd.errors import CopilotdError

log = logging.getLogger(__name__)

PAUSE_S = 0.35
"""Longer than most gaps between keystrokes, so that typing seldom starts what it then stops."""


class Anticipation:
    """Holds one plan at a time: the newest."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        self._pause_s = pause_s
        self._task: asyncio.Task[None] | None = None

    def plan(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do `work` after a pause, in place of what was planned or is being done."""
        self.drop()
        self._task = asyncio.create_task(self._after_pause(work))

    def drop(self) -> None:
        """Plan nothing, and stop what is being done."""
        if self._task is not None:
            self._task.cancel()

    async def _after_pause(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await asyncio.sleep(self._pause_s)
        # A fault barrier: nobody waits for this work, and nobody misses it.
        try:
            await work()
        except CopilotdError as error:
            log.debug("nothing prepared: %s", error.message)
        except Exception:
            log.exception("preparing in a pause failed")
