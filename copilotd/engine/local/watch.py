"""Notices a worker that is stuck: stopped, or at one piece of work for far too long.

The worker is asked for its pulse while commands wait for it, and never while it is idle. The
reading thread answers, and says for how long the main thread has been at its present work.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from copilotd.engine.protocol import Pulse
from copilotd.errors import EngineError

EVERY_S = 2.0
SILENT_S = 10.0
"""A worker that has not answered for this long is stuck."""
_ASLEEP_S = 5.0
"""If this process itself slept for so long, the machine was suspended, and so was the worker."""


async def watch(
    ping: Callable[[], Awaitable[Pulse]],
    is_busy: Callable[[], bool],
    report_stuck: Callable[[str], None],
) -> None:
    """Call `report_stuck` with the reason once, and end; end also when the worker does."""
    while True:
        await asyncio.sleep(EVERY_S)
        if not is_busy():
            continue
        started = time.monotonic()
        try:
            async with asyncio.timeout(SILENT_S):
                pulse = await ping()
        except EngineError:
            return  # The worker ended by itself.
        except TimeoutError:
            if time.monotonic() - started < SILENT_S + _ASLEEP_S:
                return report_stuck(f"has not answered for {SILENT_S:.0f} s")
            continue
        if pulse.age_s > pulse.limit_s:
            return report_stuck(f"has been at one batch for {pulse.age_s:.0f} s")
