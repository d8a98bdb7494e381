"""Does calibrations in the worker's idle time, and stops at once when there is other work.

One that nobody waits for also leaves out the time in which other programs keep the processor busy:
what is measured then says little of the machine.
"""

import time
from collections.abc import Callable, Generator
from statistics import mean
from typing import Protocol

import msgspec

from copilotd.engine.performance import BUSY, Calibration, Measuring, Setup
from copilotd.engine.protocol import Calibrate, Event, Measured, Result
from copilotd.engine.types import Lane
from copilotd.engine.worker.calibration.plan import Course, Work
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.pipe import failed
from copilotd.engine.worker.threads.cpu_load import Others
from copilotd.errors import EngineError

LOOK_EVERY_S = 0.5
"""Often enough to notice other programs; in less time their share is not known well."""


class Bench(Protocol):
    """Where work is done."""

    def measure(self, work: Work) -> float | None:
        """Milliseconds; infinity if this cannot be done, None if it was interrupted."""
        ...

    def close(self) -> None:
        """Give all memory back."""
        ...


class Calibrated(Protocol):
    """What a calibration needs of the model."""

    def course(self, asked: Setup) -> Course:
        """What to measure, where `asked` leaves it open."""
        ...

    def bench(self) -> Bench:
        """Where to measure it."""
        ...


class Calibrator:
    """The calibrations that were asked for, one piece of work at a time.

    A piece that is interrupted is done again. `clock` gives seconds, `others` the share of the
    processors that other programs took since it was last asked.
    """

    def __init__(
        self,
        model: Calibrated,
        interrupt: Interrupt,
        emit: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
        others: Callable[[], float] | None = None,
    ) -> None:
        self._model = model
        self._interrupt = interrupt
        self._emit = emit
        self._clock = clock
        self._others = others or Others().share
        self._jobs: list[_Job] = []
        self._disturbed_at = self._looked_at = clock()

    def add(self, command: Calibrate) -> None:
        """Queue a calibration; one that somebody waits for goes before those of nobody."""
        self._jobs.append(_Job(command, self._model))
        self._jobs.sort(key=lambda job: job.command.patient)
        self._look()

    def cancel(self, id: int) -> None:
        """Drop a calibration; unknown ids are those of other commands."""
        for job in [job for job in self._jobs if job.command.id == id]:
            self._remove(job)

    def disturbed(self) -> None:
        """The worker did something else just now."""
        self._disturbed_at = self._clock()

    @property
    def rest_s(self) -> float | None:
        """Seconds until there is something to do if nothing disturbs; None if there is not."""
        if not self._jobs:
            return None
        quiet = self._clock() - self._disturbed_at
        return max(0.0, self._jobs[0].command.quiet_s - quiet)

    def step(self) -> None:
        """Do a piece of work, if it has been quiet for long enough."""
        if self.rest_s != 0:
            return
        job = self._jobs[0]
        if self._clock() - self._looked_at >= LOOK_EVERY_S:
            share = self._look()
            if job.command.patient and share > BUSY:
                self.disturbed()
                return self._tell(job, "waiting until other programs leave the processor alone")
            job.disturbed(share)
        self._work_at(job)

    def _work_at(self, job: "_Job") -> None:
        # It yields to every lane, to the background's too.
        self._interrupt.begin({job.command.id}, len(Lane))
        try:
            result = job.step()
        except EngineError as error:
            self._remove(job)
            return self._emit(failed(job.command.id, error))
        finally:
            self._interrupt.end()
        if result is None:
            return self._tell(job, job.progress.text)
        self._remove(job)
        self._emit(Result(job.command.id, msgspec.Raw(msgspec.msgpack.encode(result))))

    def _tell(self, job: "_Job", text: str) -> None:
        self._emit(Measured(job.command.id, Measuring(text, job.progress.fraction)))

    def _look(self) -> float:
        self._looked_at = self._clock()
        return self._others()

    def _remove(self, job: "_Job") -> None:
        self._jobs.remove(job)
        job.close()


class _Job:
    """A command, its course, its bench, and the shares of other programs."""

    def __init__(self, command: Calibrate, model: Calibrated) -> None:
        self.command = command
        self._shares: list[float] = []
        self._course = model.course(command.asked)
        self._bench = model.bench()
        self._steps: Generator[Work, float, Calibration] = self._course.run()
        self._work = next(self._steps)

    @property
    def progress(self) -> Measuring:
        return self._course.progress

    def disturbed(self, share: float) -> None:
        self._shares.append(share)
        self._course.disturbance = mean(self._shares)

    def step(self) -> Calibration | None:
        """Do the next work; returns the result once all is measured.

        Raises:
            EngineError: the model cannot be measured.
        """
        ms = self._bench.measure(self._work)
        if ms is None:
            return None
        try:
            self._work = self._steps.send(ms)
        except StopIteration as end:
            result: Calibration = end.value
            return result
        return None

    def close(self) -> None:
        self._bench.close()
