import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from copilotd.config import ModelSection
from copilotd.engine.fake import FAKE_CALIBRATION
from copilotd.engine.performance import Setup, Tuning
from copilotd.engine.types import EngineState, Phase
from copilotd.errors import DownloadFailed
from copilotd.models.catalogue import Catalogue
from copilotd.models.progress import Progress, ProgressCallback
from copilotd.models.provision import InstalledModel, Provisioner
from copilotd.models.store import ModelStore
from copilotd.serving.tuning_store import TuningStore
from copilotd.serving.worker_spec import spec_provider

FILE = InstalledModel("small", Path("small.gguf"), "qwen2.5-coder", {"prefix": "<P>"})


class FakeProvisioner(Provisioner):
    """Runs the function of the test in place of a download."""

    def __init__(
        self, ensure: Callable[[ProgressCallback, threading.Event], InstalledModel]
    ) -> None:
        super().__init__(ModelStore(Path("nowhere")), Catalogue([], []), ModelSection())
        self._ensure = ensure

    def ensure_installed(
        self, report: ProgressCallback, cancelled: threading.Event
    ) -> InstalledModel:
        return self._ensure(report, cancelled)


async def test_the_spec_has_the_file_and_the_settings() -> None:
    settings = ModelSection(
        n_ctx=1024,
        n_threads=2,
        n_gpu_layers=0,
        flash_attention="off",
        parked_disk_mb=3,
        speculate=True,
    )
    provide = spec_provider(
        FakeProvisioner(lambda report, cancelled: FILE), settings, Path("parked")
    )

    spec = await provide(lambda state: None)

    assert (spec.path, spec.name, spec.fim_fallback) == ("small.gguf", "small", {"prefix": "<P>"})
    assert (spec.n_ctx, spec.n_threads, spec.n_gpu_layers) == (1024, 2, 0)
    assert (spec.flash_attention, spec.speculate) == ("off", True)
    assert (spec.disk_tier_path, spec.disk_tier_bytes) == ("parked", 3 * 2**20)


async def test_the_spec_has_the_files_of_the_projector_and_the_draft_model() -> None:
    def file(name: str) -> FakeProvisioner:
        return FakeProvisioner(lambda report, cancelled: replace(FILE, path=Path(name)))

    provide = spec_provider(
        file("big.gguf"),
        ModelSection(),
        projector=file("projector.gguf"),
        draft_model=file("tiny.gguf"),
    )

    spec = await provide(lambda state: None)

    assert (spec.path, spec.mmproj, spec.draft) == ("big.gguf", "projector.gguf", "tiny.gguf")


async def test_the_spec_has_the_setup_that_was_measured_best(tmp_path: Path) -> None:
    tunings, auto = TuningStore(tmp_path, "a machine"), ModelSection()
    best = Setup("on", 3, 4, 256)
    calibration = msgspec.structs.replace(FAKE_CALIBRATION, chosen=best)
    tunings.write(FILE.path, auto, Tuning("small", "a machine", 1.0, calibration))

    async def setup(settings: ModelSection) -> Setup:
        ensure = FakeProvisioner(lambda report, cancelled: FILE)
        return (
            await spec_provider(ensure, settings, tuning_store=tunings)(lambda state: None)
        ).setup

    assert await setup(auto) == best
    assert await setup(ModelSection(n_threads=1)) == Setup("auto", 1, 1, 0)
    assert await setup(ModelSection(flash_attention="off")) == Setup("off", 0, 0, 0)


async def test_a_download_is_reported_with_its_progress() -> None:
    def ensure(report: ProgressCallback, cancelled: threading.Event) -> InstalledModel:
        report(Progress("fetching small", 25, 100))
        return FILE

    states: list[EngineState] = []
    await spec_provider(FakeProvisioner(ensure), ModelSection())(states.append)

    assert states == [EngineState(Phase.DOWNLOADING, "fetching small", 0.25)]


async def test_reports_are_throttled() -> None:
    def ensure(report: ProgressCallback, cancelled: threading.Event) -> InstalledModel:
        for done in range(1000):
            report(Progress("fetching small", done, 1000))
        return FILE

    states: list[EngineState] = []
    await spec_provider(FakeProvisioner(ensure), ModelSection())(states.append)

    assert len(states) < 10


async def test_a_failed_download_is_raised() -> None:
    def ensure(report: ProgressCallback, cancelled: threading.Event) -> InstalledModel:
        raise DownloadFailed("no network")

    with pytest.raises(DownloadFailed, match="no network"):
        await spec_provider(FakeProvisioner(ensure), ModelSection())(lambda state: None)


async def test_cancelling_the_caller_cancels_the_download() -> None:
    started, ended = threading.Event(), threading.Event()

    def ensure(report: ProgressCallback, cancelled: threading.Event) -> InstalledModel:
        started.set()
        if cancelled.wait(10):
            ended.set()
        return FILE

    provide = spec_provider(FakeProvisioner(ensure), ModelSection())
    task = asyncio.ensure_future(provide(lambda state: None))
    assert await asyncio.to_thread(started.wait, 10)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 10)
