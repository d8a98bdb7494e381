"""Runs calibrations while the worker is idle, and stops at once when there is other work.

A calibration in the background also pauses while other programs keep the processor busy, because
measurements taken then say little about the machine.
"""

import time
from collections.abc import Callable, Generator
from statistics import mean
from typing import Protocol

import msgspec

from copilotd.engine.performance import BUSY_SHARE, Calibration, CalibrationProgress, Setup
from copilotd.engine.protocol import Calibrate, CalibrationReport, Event, Result
from copilotd.engine.types import Lane
from copilotd.engine.worker.calibration.plan import CalibrationPlan, TrialBatch
from copilotd.engine.worker.faults import to_engine_error
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.pipe import make_failure
from copilotd.engine.worker.threads.cpu_load import OtherLoad

MEASURE_EVERY_S = 0.5
"""Often enough to notice other programs; over a shorter time their load cannot be measured well."""


class Bench(Protocol):
    """Measures batches."""

    def measure(self, batch: TrialBatch) -> float | None:
        """Return milliseconds; infinity if the batch cannot be run, None if it was interrupted."""
        ...

    def close(self) -> None:
        """Free all memory."""
        ...


class CalibratedModel(Protocol):
    """What a calibration needs from the model."""

    def plan_calibration(self, requested: Setup) -> CalibrationPlan:
        """Plan a calibration of the settings that `requested` leaves open."""
        ...

    def open_bench(self) -> Bench:
        """Open a bench to measure it on."""
        ...


class CalibrationRunner:
    """Runs the requested calibrations, one batch at a time.

    A batch that is interrupted is measured again. `clock` returns seconds, `measure_load` the share
    of the processors that other programs used since its last call.
    """

    def __init__(
        self,
        model: CalibratedModel,
        interrupt: Interrupt,
        emit: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
        measure_load: Callable[[], float] | None = None,
    ) -> None:
        self._model = model
        self._interrupt = interrupt
        self._emit = emit
        self._clock = clock
        self._measure_load = measure_load or OtherLoad().measure
        self._jobs: list[_Job] = []
        self._last_work = self._measured_at = clock()

    def add(self, command: Calibrate) -> None:
        """Queue a calibration; one that a user waits for goes before the others."""
        self._jobs.append(_Job(command, self._model))
        self._jobs.sort(key=lambda job: job.command.wait_for_idle_cpu)
        self._read_load()

    def cancel(self, id: int) -> None:
        """Drop a calibration; an unknown id belongs to another command and is ignored."""
        for job in [job for job in self._jobs if job.command.id == id]:
            self._remove(job)

    def note_other_work(self) -> None:
        """Restart the wait for an idle worker, because it has just done other work."""
        self._last_work = self._clock()

    @property
    def idle_wait_s(self) -> float | None:
        """Seconds until the next batch if nothing else arrives; None without a calibration."""
        if not self._jobs:
            return None
        idle_s = self._clock() - self._last_work
        return max(0.0, self._jobs[0].command.idle_s - idle_s)

    def step(self) -> None:
        """Measure one batch, if the worker has been idle for long enough."""
        if self.idle_wait_s != 0:
            return
        job = self._jobs[0]
        if self._clock() - self._measured_at >= MEASURE_EVERY_S:
            load = self._read_load()
            if job.command.wait_for_idle_cpu and load > BUSY_SHARE:
                self.note_other_work()
                return self._report(job, "waiting until other programs leave the processor idle")
            job.record_load(load)
        self._run_step(job)

    def _run_step(self, job: "_Job") -> None:
        # A calibration yields to every lane, the background lane too.
        self._interrupt.begin_batch({job.command.id}, len(Lane))
        try:
            result = job.step()
        except Exception as error:
            self._remove(job)
            return self._emit(make_failure(job.command.id, to_engine_error(error)))
        finally:
            self._interrupt.end_batch()
        if result is None:
            return self._report(job, job.progress.text)
        self._remove(job)
        self._emit(Result(job.command.id, msgspec.Raw(msgspec.msgpack.encode(result))))

    def _report(self, job: "_Job", text: str) -> None:
        self._emit(
            CalibrationReport(job.command.id, CalibrationProgress(text, job.progress.fraction))
        )

    def _read_load(self) -> float:
        self._measured_at = self._clock()
        return self._measure_load()

    def _remove(self, job: "_Job") -> None:
        self._jobs.remove(job)
        job.close()


class _Job:
    """A command with its plan, its bench, and the load of other programs while it ran."""

    def __init__(self, command: Calibrate, model: CalibratedModel) -> None:
        self.command = command
        self._loads: list[float] = []
        self._plan = model.plan_calibration(command.requested)
        self._bench = model.open_bench()
        self._steps: Generator[TrialBatch, float, Calibration] = self._plan.run()
        self._batch = next(self._steps)

    @property
    def progress(self) -> CalibrationProgress:
        return self._plan.progress

    def record_load(self, load: float) -> None:
        self._loads.append(load)
        self._plan.disturbance = mean(self._loads)

    def step(self) -> Calibration | None:
        """Measure the next batch; returns the result once all are measured.

        Raises:
            EngineError: the model cannot be measured.
        """
        ms = self._bench.measure(self._batch)
        if ms is None:
            return None
        try:
            self._batch = self._steps.send(ms)
        except StopIteration as end:
            result: Calibration = end.value
            return result
        return None

    def close(self) -> None:
        self._bench.close()
