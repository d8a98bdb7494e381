"""Provides what a worker loads: downloads missing files, and turns settings into a spec.

A download blocks, so it runs in a thread of its own; cancelling the caller cancels the download.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from msgspec import structs

from copilotd.config import ModelSection
from copilotd.engine.local.supervisor import SpecProvider, StateListener
from copilotd.engine.performance import Setup
from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import EngineState, Phase
from copilotd.models.provision import InstalledModel, Progress, Provisioner
from copilotd.serving.tuning_store import TuningStore, build_requested_setup

T = TypeVar("T")
REPORT_EVERY_S = 0.2
"""Pause between two reports: chunks of a download arrive faster than a user can read."""


def spec_provider(
    provisioner: Provisioner,
    settings: ModelSection,
    kv_folder: Path | None = None,
    tuning_store: TuningStore | None = None,
    projector: Provisioner | None = None,
    draft_model: Provisioner | None = None,
) -> SpecProvider:
    """Return the function that `EngineClient` calls to get the spec of its worker.

    It downloads missing files. The worker keeps KV states in `kv_folder` (None: only in memory),
    and runs the model with the best setup of `tuning_store`. `projector` provides the file for
    images, `draft_model` the model for speculative decoding.
    """

    async def provide_spec(listener: StateListener) -> WorkerSpec:
        report = _throttle(asyncio.get_running_loop(), listener)

        async def ensure(source: Provisioner) -> InstalledModel:
            return await _run_in_thread(lambda stop: source.ensure_installed(report, stop))

        installed = await ensure(provisioner)
        mmproj = str((await ensure(projector)).path) if projector else ""
        draft = str((await ensure(draft_model)).path) if draft_model else ""
        tuning = tuning_store.read(installed.path, settings) if tuning_store else None
        setup = tuning.calibration.chosen if tuning else build_requested_setup(settings)
        spec = build_worker_spec(installed, settings, setup, kv_folder)
        return structs.replace(spec, mmproj=mmproj, draft=draft)

    return provide_spec


def build_worker_spec(
    installed: InstalledModel, settings: ModelSection, setup: Setup, kv_folder: Path | None = None
) -> WorkerSpec:
    """The spec to load `installed` with these settings and run it with `setup`."""
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
        disk_tier_path=str(kv_folder or ""),
        disk_tier_bytes=settings.parked_disk_mb * 2**20,
        fim_fallback=dict(installed.fim_fallback),
        layout=installed.layout,
    )


def _throttle(
    loop: asyncio.AbstractEventLoop, listener: StateListener
) -> Callable[[Progress], None]:
    """A thread-safe progress callback that calls `listener` at most every REPORT_EVERY_S."""
    last_time, last_text = 0.0, ""

    def report(progress: Progress) -> None:
        nonlocal last_time, last_text
        # A report with a new text, such as why a source failed, starts a new line and is never
        # dropped.
        if progress.text == last_text and time.monotonic() - last_time < REPORT_EVERY_S:
            return
        last_time, last_text = time.monotonic(), progress.text
        fraction = progress.done / progress.total if progress.total else None
        state = EngineState(Phase.DOWNLOADING, progress.text, fraction)
        loop.call_soon_threadsafe(listener, state)

    return report


async def _run_in_thread(work: Callable[[threading.Event], T]) -> T:
    # Not asyncio.to_thread: the process waits for its threads at the end, and a download that
    # hangs in the network would keep the daemon from ending in time.
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    cancelled = threading.Event()

    def run() -> None:
        try:
            future.set_result(work(cancelled))
        except BaseException as error:
            # The caller must get every error of the thread.
            future.set_exception(error)

    threading.Thread(target=run, name="provide-model", daemon=True).start()
    try:
        return await asyncio.wrap_future(future)
    finally:
        cancelled.set()
