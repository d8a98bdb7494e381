import asyncio
import logging
from pathlib import Path

import msgspec
import pytest

from copilotd.config import ModelSection
from copilotd.engine.fake import FAKE_CALIBRATION, FAKE_MODEL, FakeEngine
from copilotd.engine.performance import Calibration, CalibrationProgress, Tuning
from copilotd.errors import EngineDied
from copilotd.serving.tuner import Tuner
from copilotd.serving.tuning_store import TuningStore


class Bench:
    """A tuner, and what it learned."""

    def __init__(
        self, folder: Path, engine: FakeEngine | None = None, *, auto_tune: bool = True
    ) -> None:
        self.engine = engine or FakeEngine()
        self.learned: list[Calibration | None] = []
        self.tunings = TuningStore(folder, "a machine")
        self.tuner = Tuner(
            self.engine,
            self.tunings,
            ModelSection(auto_tune=auto_tune),
            lambda tuning: self.learned.append(tuning.calibration if tuning else None),
        )


async def test_measuring_tells_how_far_it_is_and_keeps_the_result(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    progress, tuning = [step async for step in bench.tuner.measure()]

    assert progress == CalibrationProgress("measuring speed", 0.5)
    assert isinstance(tuning, Tuning)
    assert (tuning.model, tuning.machine) == ("fake", "a machine")
    assert bench.tuner.tuning == tuning
    assert bench.tunings.read(Path(FAKE_MODEL.path), ModelSection()) == tuning
    assert bench.learned == [FAKE_CALIBRATION]


async def test_a_model_is_measured_once_when_the_machine_is_quiet(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    loading = asyncio.gather(
        bench.tuner.tune_when_idle(FAKE_MODEL),
        bench.tuner.tune_when_idle(FAKE_MODEL),
    )
    await asyncio.wait_for(bench.engine.waiting_for_idle_cpu.wait(), 30)
    assert (bench.engine.calibrations, bench.tuner.tuning) == (0, None)

    bench.engine.idle_cpu.set()
    await asyncio.wait_for(loading, 30)

    assert (bench.engine.calibrations, bench.learned) == (1, [FAKE_CALIBRATION])


async def test_a_model_that_is_measured_at_once_is_not_measured_again_when_it_is_quiet(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    loading = asyncio.create_task(bench.tuner.tune_when_idle(FAKE_MODEL))
    await asyncio.wait_for(bench.engine.waiting_for_idle_cpu.wait(), 30)

    async for _ in bench.tuner.measure():
        pass
    await asyncio.wait_for(loading, 30)

    # What was measured may be told, whatever level an earlier test has left.
    complaints = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert (bench.engine.calibrations, complaints) == (1, [])


async def test_what_was_measured_before_is_recalled(tmp_path: Path) -> None:
    async for _ in Bench(tmp_path).tuner.measure():
        pass
    later = Bench(tmp_path)

    await asyncio.wait_for(later.tuner.tune_when_idle(FAKE_MODEL), 30)

    assert (later.engine.calibrations, later.learned) == (0, [FAKE_CALIBRATION])


async def test_nothing_is_measured_unasked_if_the_settings_say_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, auto_tune=False)
    bench.engine.idle_cpu.set()

    await asyncio.wait_for(bench.tuner.tune_when_idle(FAKE_MODEL), 30)

    assert (bench.engine.calibrations, bench.tuner.tuning) == (0, None)


async def test_a_worker_that_ends_meanwhile_is_no_failure_of_the_daemon(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Ending(FakeEngine):
        async def info(self) -> None:  # type: ignore[override]  # it never answers
            raise EngineDied("the worker ended")

    bench = Bench(tmp_path, Ending())
    with caplog.at_level("INFO"):
        await asyncio.wait_for(bench.tuner.tune_when_idle(FAKE_MODEL), 30)

    assert caplog.messages == ["the model was not measured: the worker ended"]


async def test_what_was_measured_of_one_model_does_not_hold_for_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path, auto_tune=False)
    async for _ in bench.tuner.measure():
        pass
    other = msgspec.structs.replace(FAKE_MODEL, path="http://elsewhere/fake")
    await bench.tuner.tune_when_idle(other)
    unknown = bench.tuner.tuning
    await bench.tuner.tune_when_idle(FAKE_MODEL)

    assert unknown is None
    assert bench.learned == [FAKE_CALIBRATION, None, FAKE_CALIBRATION]
