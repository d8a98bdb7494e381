"""Supervises one worker: starts it on first use, restarts it after a crash, ends it when idle."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec.structs import replace

from copilotd.config import EngineSection
from copilotd.engine.local.process import WorkerProcess
from copilotd.engine.protocol import Load, WorkerSpec
from copilotd.engine.types import EngineState, ModelInfo, Phase
from copilotd.errors import CopilotdError, EngineDied, EngineNotReady, IllegalInstruction

StateListener = Callable[[EngineState], None]
SpecProvider = Callable[[StateListener], Awaitable[WorkerSpec]]
StartWorker = Callable[[Callable[[EngineDied], None]], Awaitable[WorkerProcess]]

_BACK_OFF_S = (0.0, 0.0, 1.0, 5.0, 30.0)
"""Pause before the next start, by the number of failures since the last successful request."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedWorker:
    """A worker process that has loaded its model."""

    process: WorkerProcess
    info: ModelInfo


class WorkerSupervisor:
    """Owns the worker process. All methods run on the daemon's event loop."""

    def __init__(
        self,
        provide_spec: SpecProvider,
        settings: EngineSection,
        start_worker: StartWorker = WorkerProcess.start,
    ) -> None:
        self.state = EngineState(Phase.STOPPED)
        self.restarts = 0
        self._provide_spec = provide_spec
        self._start_worker = start_worker
        self._idle_timeout_s = settings.idle_minutes * 60
        self._listeners: list[StateListener] = []
        self._loading: asyncio.Task[LoadedWorker] | None = None
        self._process: WorkerProcess | None = None
        self._worker: LoadedWorker | None = None
        self._users = 0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._unloading: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._retry_at = 0.0
        self._last_error: CopilotdError | None = None
        self._is_closed = False
        self._use_amx = True

    @property
    def pid(self) -> int | None:
        """The worker's process id; None while there is no worker."""
        return self._process.pid if self._process else None

    def subscribe(self, listener: StateListener) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[LoadedWorker, None]:
        """Yield the worker, started if need be; it is not unloaded while the context is open.

        Raises:
            EngineNotReady: its model is being downloaded.
            EngineLoadFailed, EngineDied: it could not be started.
        """
        self._users += 1
        self._stop_idle_timer()
        try:
            yield self._worker or await self._wait_for_worker()
        finally:
            self._users -= 1
            self._start_idle_timer()

    def record_success(self) -> None:
        """Record that a request succeeded, so that the next failure counts as the first."""
        self._failures = 0

    async def close(self) -> None:
        """End the worker for good."""
        self._is_closed = True
        self._stop_idle_timer()
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)
        await self._end_worker("the daemon is stopping")

    # --- starting ----------------------------------------------------------------------------

    async def _wait_for_worker(self) -> LoadedWorker:
        if self._is_closed:
            raise EngineDied("the daemon is stopping")
        if self._loading is None:
            self._check_back_off()
            self._loading = asyncio.create_task(self._load())
        loading = self._loading
        await self._wait_for_load_or_download(loading)
        if not loading.done():
            raise EngineNotReady(self.state.detail, "`copilotd status` shows the progress.")
        return await loading

    async def _wait_for_load_or_download(self, loading: asyncio.Task[LoadedWorker]) -> None:
        """Wait until the load has ended or a download is running.

        A load takes a second and is worth waiting for; a download is not.
        """
        downloading = asyncio.Event()

        def listen(state: EngineState) -> None:
            if state.phase is Phase.DOWNLOADING:
                downloading.set()

        unsubscribe = self.subscribe(listen)
        listen(self.state)
        download_started = asyncio.create_task(downloading.wait())
        try:
            await asyncio.wait({loading, download_started}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            download_started.cancel()
            unsubscribe()

    async def _load(self) -> LoadedWorker:
        try:
            spec = await self._provide_spec(self._set_state)
            self._set_state(EngineState(Phase.LOADING, f"loading {spec.name}"))
            worker = await self._start_and_load(spec)
        except CopilotdError as error:
            await self._end_worker("")
            self._record_failure(error)
            raise
        finally:
            self._loading = None
        self._worker = worker
        log.info("loaded %s in %.0f ms", worker.info.path, worker.info.load_ms)
        self._set_state(EngineState(Phase.READY, f"{worker.info.name} is loaded"))
        return worker

    async def _start_and_load(self, spec: WorkerSpec) -> LoadedWorker:
        """Start a process and load the model; retry without AMX if AMX ended the process."""
        process = self._process = await self._start_worker(self._handle_death)
        use_amx = self._use_amx
        try:
            info = await process.call(Load(0, replace(spec, amx=use_amx)), ModelInfo)
        except IllegalInstruction:
            if not use_amx:
                raise
            log.warning(
                "this build of llama.cpp crashes when it uses AMX; copilotd runs it without AMX, "
                "which makes prompts slower. A build by another compiler may work."
            )
            self._use_amx = False
            return await self._start_and_load(spec)
        process.start_watch()
        return LoadedWorker(process, info)

    def _check_back_off(self) -> None:
        if self._last_error is not None and time.monotonic() < self._retry_at:
            raise self._last_error

    def _record_failure(self, error: CopilotdError) -> None:
        self._failures += 1
        pause_s = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
        self._retry_at = time.monotonic() + pause_s
        self._last_error = error
        log.error("%s %s", error.message, error.hint)
        self._set_state(EngineState(Phase.FAILED, error.message))

    # --- ending ------------------------------------------------------------------------------

    def _handle_death(self, error: EngineDied) -> None:
        was_loaded = self._worker is not None
        self._process = self._worker = None
        if was_loaded:
            self.restarts += 1
            self._record_failure(error)

    def _stop_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _start_idle_timer(self) -> None:
        if self._users or not self._idle_timeout_s or self._worker is None or self._is_closed:
            return
        loop = asyncio.get_running_loop()
        self._idle_timer = loop.call_later(self._idle_timeout_s, self._unload)

    def _unload(self) -> None:
        minutes = self._idle_timeout_s / 60
        task = asyncio.create_task(self._end_worker(f"unloaded after {minutes:g} idle minutes"))
        self._unloading.add(task)
        task.add_done_callback(self._unloading.discard)

    async def _end_worker(self, reason: str) -> None:
        process, self._process, self._worker = self._process, None, None
        if process is not None:
            await process.close()
            self._set_state(EngineState(Phase.STOPPED, reason))

    def _set_state(self, state: EngineState) -> None:
        self.state = state
        for listener in tuple(self._listeners):
            listener(state)
