"""Knows what the model costs on this machine: measured once, in idle time, and kept."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from copilotd.config import ModelSection
from copilotd.engine.interface import Engine
from copilotd.engine.performance import CalibrationProgress, Tuning
from copilotd.engine.types import ModelInfo
from copilotd.errors import CopilotdError
from copilotd.serving.tuning_store import TuningStore, requested_setup

QUIET_S = 20.0
"""Nothing was asked for so long: then the daemon measures by itself. Somebody who only thinks for
a moment is not to hear the fan."""
_SOON_S = 1.0
"""The same where somebody waits for the result."""
_GIVES_UP_S = 900.0
"""On a machine that is never quiet the next load tries again; a model in use is not unloaded."""

log = logging.getLogger(__name__)


class Tuner:
    """For the model of one engine, which is loaded under `settings`.

    `tuning` is what is known of it, and `learned` is called with each that becomes known; with None
    where another model is loaded of which nothing is.
    """

    def __init__(
        self,
        engine: Engine,
        tunings: TuningStore,
        settings: ModelSection,
        learned: Callable[[Tuning | None], None] = lambda tuning: None,
    ) -> None:
        self.tuning: Tuning | None = None
        self._engine = engine
        self._tunings = tunings
        self._settings = settings
        self._learned = learned
        self._waits = False
        self._patience: asyncio.Timeout | None = None

    async def tune_when_idle(self, info: ModelInfo) -> None:
        """Recall what was measured of `info`, or measure it once the machine is quiet."""
        self._learn(self._tunings.read(Path(info.path), self._settings))
        if self.tuning is not None or self._waits or not self._settings.auto_tune:
            return
        self._waits = True
        try:
            async with (
                asyncio.timeout(_GIVES_UP_S) as self._patience,
                aclosing(self._measure(QUIET_S, True)) as steps,
            ):
                async for _ in steps:
                    pass
        except TimeoutError:
            if self.tuning is None:
                log.info(
                    "the machine was never quiet enough to measure the model; see copilotd tune"
                )
        except (CopilotdError, OSError) as error:
            log.info("the model was not measured: %s", error)
        finally:
            self._waits, self._patience = False, None

    async def measure(self) -> AsyncGenerator[CalibrationProgress | Tuning, None]:
        """Measure now: stream how far it is, then the result.

        Raises: EngineError, OSError.
        """
        async with aclosing(self._measure(_SOON_S, False)) as steps:
            async for step in steps:
                yield step

    async def _measure(
        self, idle_s: float, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Tuning, None]:
        info = await self._engine.info()
        steps = self._engine.calibrate(
            requested_setup(self._settings), idle_s, wait_for_idle_cpu=wait_for_idle_cpu
        )
        async with aclosing(steps):
            async for step in steps:
                if isinstance(step, CalibrationProgress):
                    yield step
                    continue
                tuning = Tuning(info.name, self._tunings.machine, time.time(), step)
                self._tunings.write(Path(info.path), self._settings, tuning)
                self._learn(tuning)
                yield tuning

    def _learn(self, tuning: Tuning | None) -> None:
        if tuning is not None or self.tuning is not None:
            self._learned(tuning)
        self.tuning = tuning
        if tuning is not None:
            speed = tuning.calibration.speed
            log.info(
                "%s reads %.0f tokens/s and writes %.0f here",
                tuning.model,
                speed.prefill_rate,
                1000 / speed.decode_ms,
            )
            if self._patience is not None:
                # What waits for a quiet machine has nothing left to find out.
                self._patience.reschedule(asyncio.get_running_loop().time())
