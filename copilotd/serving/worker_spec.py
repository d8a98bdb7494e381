"""What the engine asks before it loads a model: is the file there, and how is it loaded?

The download blocks, so it runs in a thread of its own; cancelling the question cancels it.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from msgspec import structs

from copilotd.config import ModelSection
from copilotd.engine.performance import Setup
from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import EngineState, Phase
from copilotd.models.provision import InstalledModel, Progress, Provisioner
from copilotd.serving.tuning_store import TuningStore, requested_setup

T = TypeVar("T")
Report = Callable[[EngineState], None]

REPORT_EVERY_S = 0.2
"""Faster than anybody reads, slower than the chunks of a download come in."""


def spec_provider(
    provision: Provisioner,
    settings: ModelSection,
    kv_folder: Path | None = None,
    tuning_store: TuningStore | None = None,
    projector: Provisioner | None = None,
    draft_model: Provisioner | None = None,
) -> Callable[[Report], Awaitable[WorkerSpec]]:
    """What `EngineClient` calls: download the model if it is missing, and say how to load it.

    What it has read is kept in the folder `parked`, or not on disk at all. It is run in the way
    that `tunings` found best. With a `projector` it sees images, and a `drafter` guesses for it.
    """

    async def provide(report: Report) -> WorkerSpec:
        tell = _throttled(asyncio.get_running_loop(), report)
        installed = await _in_thread(lambda cancelled: provision.ensure_installed(tell, cancelled))
        mmproj = (
            await _in_thread(lambda c: projector.ensure_installed(tell, c)) if projector else None
        )
        draft = (
            await _in_thread(lambda c: draft_model.ensure_installed(tell, c))
            if draft_model
            else None
        )
        tuning = tuning_store.read(installed.path, settings) if tuning_store else None
        chosen = tuning.calibration.chosen if tuning else requested_setup(settings)
        spec = build_worker_spec(installed, settings, chosen, kv_folder)
        return structs.replace(spec, mmproj=_path(mmproj), draft=_path(draft))

    return provide


def build_worker_spec(
    installed: InstalledModel, settings: ModelSection, setup: Setup, parked: Path | None = None
) -> WorkerSpec:
    """How `installed` is loaded under these settings, to be run as `setup` says."""
    return WorkerSpec(
        path=str(installed.path),
        name=installed.name,
        n_ctx=settings.n_ctx,
        n_threads=setup.n_threads,
        frugal=settings.n_threads == 0,
        n_threads_batch=setup.n_threads_batch,
        n_ubatch=setup.n_ubatch,
        n_gpu_layers=settings.n_gpu_layers,
        flash_attention=setup.flash_attention,
        kv_type=setup.kv_type,
        speculate=settings.speculate,
        memory_tier_bytes=settings.parked_mb * 2**20,
        disk_tier_path=str(parked or ""),
        disk_tier_bytes=settings.parked_disk_mb * 2**20,
        fim_fallback=dict(installed.fim_fallback),
        layout=installed.layout,
    )


def _path(file: InstalledModel | None) -> str:
    return str(file.path) if file else ""


def _throttled(loop: asyncio.AbstractEventLoop, report: Report) -> Callable[[Progress], None]:
    told, text = 0.0, ""

    def tell(progress: Progress) -> None:
        nonlocal told, text
        # A new text is a new line to read, such as why a source failed, and is never dropped.
        if progress.text == text and time.monotonic() - told < REPORT_EVERY_S:
            return
        told, text = time.monotonic(), progress.text
        fraction = progress.done / progress.total if progress.total else None
        loop.call_soon_threadsafe(report, EngineState(Phase.DOWNLOADING, progress.text, fraction))

    return tell


async def _in_thread(work: Callable[[threading.Event], T]) -> T:
    # Not asyncio.to_thread: its threads are waited for when the process ends, and a download that
    # hangs in the network would keep the daemon from ending in time.
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    cancelled = threading.Event()

    def run() -> None:
        try:
            future.set_result(work(cancelled))
        except BaseException as error:
            # Whatever happens in the thread, the one who waits for it must hear of it.
            future.set_exception(error)

    threading.Thread(target=run, name="provide-model", daemon=True).start()
    try:
        return await asyncio.wrap_future(future)
    finally:
        cancelled.set()
