"""Measures the speed of the model on this machine: once, in idle time, and stores the result."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from copilotd.config import ModelSection
from copilotd.engine.interface import Engine
from copilotd.engine.performance import CalibrationProgress, Speed, Tuning
from copilotd.engine.types import ModelInfo
from copilotd.errors import CopilotdError
from copilotd.serving.quick_speed import estimate_quickly
from copilotd.serving.tuning_store import TuningStore, build_requested_setup

AUTO_TUNE_IDLE_S = 20.0
"""Idle time before the daemon measures by itself: the fan must not start while a user thinks."""
_REQUESTED_IDLE_S = 1.0
"""Idle time before a measurement that a user waits for."""
_ESTIMATE_ATTEMPTS, _ESTIMATE_EVERY_S = 5, 2.0
"""A request of a user disturbs an estimate, which is then repeated."""
_AUTO_TUNE_TIMEOUT_S = 900.0
"""On a machine that is never idle, the next load of the model tries again."""

log = logging.getLogger(__name__)


class Tuner:
    """Measures the model of one engine, which is loaded with `settings`.

    `tuning` is the current measurement. `on_change` is called with each new one, and with None when
    another model is loaded that was not measured. `on_estimate` is called with a quick estimate,
    for the time until there is a measurement; None makes no estimate.
    """

    def __init__(
        self,
        engine: Engine,
        store: TuningStore,
        settings: ModelSection,
        on_change: Callable[[Tuning | None], None] = lambda tuning: None,
        on_estimate: Callable[[Speed], None] | None = None,
    ) -> None:
        self.tuning: Tuning | None = None
        self._engine = engine
        self._store = store
        self._settings = settings
        self._on_change = on_change
        self._on_estimate = on_estimate
        self._is_waiting = False
        self._timeout: asyncio.Timeout | None = None

    async def tune_when_idle(self, info: ModelInfo) -> None:
        """Read the measurement of the model `info`, or measure it when the machine is idle."""
        self._set_tuning(self._store.read(Path(info.path), self._settings))
        if self.tuning is not None or self._is_waiting or not self._settings.auto_tune:
            return
        self._is_waiting = True
        try:
            if self._on_estimate and not info.is_upstream:
                await self._estimate(self._on_estimate)
            async with (
                asyncio.timeout(_AUTO_TUNE_TIMEOUT_S) as self._timeout,
                aclosing(self._measure(AUTO_TUNE_IDLE_S, wait_for_idle_cpu=True)) as steps,
            ):
                async for _ in steps:
                    pass
        except TimeoutError:
            if self.tuning is None:
                log.info(
                    "the machine was never idle enough to measure the model; see copilotd tune"
                )
        except (CopilotdError, OSError) as error:
            log.info("the model was not measured: %s", error)
        finally:
            self._is_waiting, self._timeout = False, None

    async def _estimate(self, report: Callable[[Speed], None]) -> None:
        for _ in range(_ESTIMATE_ATTEMPTS):
            speed = await estimate_quickly(self._engine)
            if self.tuning is not None:
                return
            if speed is not None:
                log.info(
                    "estimate: prefill %.0f tokens/s, decode %.0f tokens/s",
                    speed.prefill_rate,
                    1000 / speed.decode_ms,
                )
                return report(speed)
            await asyncio.sleep(_ESTIMATE_EVERY_S)

    async def measure(self) -> AsyncGenerator[CalibrationProgress | Tuning, None]:
        """Measure now: stream the progress, then the result.

        Raises: EngineError, OSError.
        """
        async with aclosing(self._measure(_REQUESTED_IDLE_S, wait_for_idle_cpu=False)) as steps:
            async for step in steps:
                yield step

    async def _measure(
        self, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Tuning, None]:
        info = await self._engine.info()
        steps = self._engine.calibrate(
            build_requested_setup(self._settings), idle_s, wait_for_idle_cpu=wait_for_idle_cpu
        )
        async with aclosing(steps):
            async for step in steps:
                if isinstance(step, CalibrationProgress):
                    yield step
                    continue
                tuning = Tuning(info.name, self._store.machine, time.time(), step)
                self._store.write(Path(info.path), self._settings, tuning)
                self._set_tuning(tuning)
                yield tuning

    def _set_tuning(self, tuning: Tuning | None) -> None:
        if tuning is not None or self.tuning is not None:
            self._on_change(tuning)
        self.tuning = tuning
        if tuning is not None:
            speed = tuning.calibration.speed
            log.info(
                "%s: prefill %.0f tokens/s, decode %.0f tokens/s on this machine",
                tuning.model,
                speed.prefill_rate,
                1000 / speed.decode_ms,
            )
            if self._timeout is not None:
                # The measurement that waits for an idle machine is not needed any more.
                self._timeout.reschedule(asyncio.get_running_loop().time())
