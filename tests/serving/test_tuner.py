import asyncio
import logging
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest

from copilotd.config import ModelSection
from copilotd.engine.fake import FAKE_CALIBRATION, FAKE_MODEL, FakeEngine
from copilotd.engine.performance import Calibration, CalibrationProgress, Speed, Tuning
from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.errors import EngineDied
from copilotd.serving import quick_speed
from copilotd.serving import tuner as tuner_module
from copilotd.serving.tuner import Tuner
from copilotd.serving.tuning_store import TuningStore


class TunerUnderTest:
    """A tuner on a fake engine, and the calibrations that it reported."""

    def __init__(
        self, folder: Path, engine: FakeEngine | None = None, *, auto_tune: bool = True
    ) -> None:
        self.engine = engine or FakeEngine()
        self.reported: list[Calibration | None] = []
        self.store = TuningStore(folder, "a machine")
        self.tuner = Tuner(
            self.engine,
            self.store,
            ModelSection(auto_tune=auto_tune),
            lambda tuning: self.reported.append(tuning.calibration if tuning else None),
        )


async def test_measuring_streams_the_progress_and_stores_the_result(tmp_path: Path) -> None:
    test = TunerUnderTest(tmp_path)

    progress, tuning = [step async for step in test.tuner.measure()]

    assert progress == CalibrationProgress("measuring speed", 0.5)
    assert isinstance(tuning, Tuning)
    assert (tuning.model, tuning.machine) == ("fake", "a machine")
    assert test.tuner.tuning == tuning
    assert test.store.read(Path(FAKE_MODEL.path), ModelSection()) == tuning
    assert test.reported == [FAKE_CALIBRATION]


async def test_a_model_is_measured_once_when_the_machine_is_idle(tmp_path: Path) -> None:
    test = TunerUnderTest(tmp_path)
    loading = asyncio.gather(
        test.tuner.tune_when_idle(FAKE_MODEL),
        test.tuner.tune_when_idle(FAKE_MODEL),
    )
    await asyncio.wait_for(test.engine.waiting_for_idle_cpu.wait(), 30)
    assert (test.engine.calibrations, test.tuner.tuning) == (0, None)

    test.engine.idle_cpu.set()
    await asyncio.wait_for(loading, 30)

    assert (test.engine.calibrations, test.reported) == (1, [FAKE_CALIBRATION])


async def test_a_model_that_was_measured_on_request_is_not_measured_again_when_idle(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    test = TunerUnderTest(tmp_path)
    loading = asyncio.create_task(test.tuner.tune_when_idle(FAKE_MODEL))
    await asyncio.wait_for(test.engine.waiting_for_idle_cpu.wait(), 30)

    async for _ in test.tuner.measure():
        pass
    await asyncio.wait_for(loading, 30)

    # An earlier test may have left a log level at which the result is logged too.
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert (test.engine.calibrations, warnings) == (1, [])


async def test_a_stored_measurement_is_used(tmp_path: Path) -> None:
    async for _ in TunerUnderTest(tmp_path).tuner.measure():
        pass
    later = TunerUnderTest(tmp_path)

    await asyncio.wait_for(later.tuner.tune_when_idle(FAKE_MODEL), 30)

    assert (later.engine.calibrations, later.reported) == (0, [FAKE_CALIBRATION])


async def test_without_auto_tune_the_daemon_measures_nothing_by_itself(tmp_path: Path) -> None:
    test = TunerUnderTest(tmp_path, auto_tune=False)
    test.engine.idle_cpu.set()

    await asyncio.wait_for(test.tuner.tune_when_idle(FAKE_MODEL), 30)

    assert (test.engine.calibrations, test.tuner.tuning) == (0, None)


async def test_a_worker_that_ends_during_a_measurement_is_only_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class DyingEngine(FakeEngine):
        async def info(self) -> None:  # type: ignore[override]  # it never answers
            raise EngineDied("the worker ended")

    test = TunerUnderTest(tmp_path, DyingEngine())
    with caplog.at_level("INFO"):
        await asyncio.wait_for(test.tuner.tune_when_idle(FAKE_MODEL), 30)

    assert caplog.messages == ["the model was not measured: the worker ended"]


async def test_a_measurement_does_not_apply_to_the_next_model(tmp_path: Path) -> None:
    test = TunerUnderTest(tmp_path, auto_tune=False)
    async for _ in test.tuner.measure():
        pass
    other = msgspec.structs.replace(FAKE_MODEL, path="http://elsewhere/fake")
    await test.tuner.tune_when_idle(other)
    unknown = test.tuner.tuning
    await test.tuner.tune_when_idle(FAKE_MODEL)

    assert unknown is None
    assert test.reported == [FAKE_CALIBRATION, None, FAKE_CALIBRATION]


async def estimate_speed(engine: FakeEngine, folder: Path) -> list[Speed]:
    """Return the estimates that a tuner reports before the measurement."""
    estimates: list[Speed] = []
    store = TuningStore(folder, "a machine")
    tuner = Tuner(engine, store, ModelSection(), on_estimate=estimates.append)
    loading = asyncio.create_task(tuner.tune_when_idle(FAKE_MODEL))
    await asyncio.wait_for(engine.waiting_for_idle_cpu.wait(), 30)
    loading.cancel()
    return estimates


async def test_the_speed_is_estimated_before_the_machine_is_idle(tmp_path: Path) -> None:
    (speed,) = await estimate_speed(FakeEngine("some words"), tmp_path)
    assert speed.prefill_rate > 0 and speed.decode_ms > 0


async def test_a_stored_measurement_needs_no_estimate(tmp_path: Path) -> None:
    test = TunerUnderTest(tmp_path)
    async for _ in test.tuner.measure():
        pass
    engine, estimates = FakeEngine("some words"), list[Speed]()
    tuner = Tuner(engine, test.store, ModelSection(), on_estimate=estimates.append)
    await asyncio.wait_for(tuner.tune_when_idle(FAKE_MODEL), 30)
    assert not estimates and not engine.requests


class BusyEngine(FakeEngine):
    """An engine that also answers a user's request during the first estimate."""

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        if not self.requests:
            self.requests.append(request)
        async for event in super().generate(request):
            yield event


async def test_an_estimate_that_a_request_disturbs_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuner_module, "_ESTIMATE_EVERY_S", 0.0)
    engine = BusyEngine("some words")
    assert len(await estimate_speed(engine, tmp_path)) == 1
    assert len(engine.requests) == 3


async def test_a_machine_that_is_too_slow_for_an_estimate_counts_as_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick_speed, "MAX_S", 0.01)
    (speed,) = await estimate_speed(FakeEngine("some words", gate=asyncio.Event()), tmp_path)
    assert speed.decode_ms > 0
