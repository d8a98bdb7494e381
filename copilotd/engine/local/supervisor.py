"""Keeps one worker: starts it when wanted, starts it again after it died, ends it when idle."""

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

Report = Callable[[EngineState], None]
Provision = Callable[[Report], Awaitable[WorkerSpec]]
Connect = Callable[[Callable[[EngineDied], None]], Awaitable[WorkerProcess]]

_BACK_OFF_S = (0.0, 0.0, 1.0, 5.0, 30.0)
"""Pause before the next start, by the number of failures since a request last succeeded."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedWorker:
    """A connection to a process that has loaded its model."""

    process: WorkerProcess
    info: ModelInfo


class WorkerSupervisor:
    """All of its methods run on the daemon's event loop."""

    def __init__(
        self, provision: Provision, settings: EngineSection, connect: Connect = WorkerProcess.start
    ) -> None:
        self.state = EngineState(Phase.STOPPED)
        self.restarts = 0
        self._provision = provision
        self._connect = connect
        self._idle_s = settings.idle_minutes * 60
        self._listeners: list[Report] = []
        self._starting: asyncio.Task[LoadedWorker] | None = None
        self._connection: WorkerProcess | None = None
        self._worker: LoadedWorker | None = None
        self._users = 0
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._retry_at = 0.0
        self._last_error: CopilotdError | None = None
        self._closed = False
        self._amx = True

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        return self._connection.pid if self._connection else None

    def subscribe(self, listener: Report) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[LoadedWorker, None]:
        """The worker, started if need be; it is not idle while the context is open.

        Raises:
            EngineNotReady: its model is being downloaded.
            EngineLoadFailed, EngineDied: it could not be started.
        """
        self._users += 1
        self._stop_idling()
        try:
            yield self._worker or await self._started()
        finally:
            self._users -= 1
            self._start_idling()

    def succeeded(self) -> None:
        """A request went through: the next failure counts as the first."""
        self._failures = 0

    async def close(self) -> None:
        """End the worker for good."""
        self._closed = True
        self._stop_idling()
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._end("the daemon stops")

    # --- starting ----------------------------------------------------------------------------

    async def _started(self) -> LoadedWorker:
        if self._closed:
            raise EngineDied("the daemon is stopping")
        if self._starting is None:
            self._check_back_off()
            self._starting = asyncio.create_task(self._start())
        starting = self._starting
        await self._done_or_downloading(starting)
        if not starting.done():
            raise EngineNotReady(self.state.detail, "`copilotd status` shows how far it is.")
        return await starting

    async def _done_or_downloading(self, starting: asyncio.Task[LoadedWorker]) -> None:
        """A load takes a second and is worth waiting for; a download is not."""
        downloading = asyncio.Event()

        def listen(state: EngineState) -> None:
            if state.phase is Phase.DOWNLOADING:
                downloading.set()

        unsubscribe = self.subscribe(listen)
        listen(self.state)
        seen = asyncio.create_task(downloading.wait())
        try:
            await asyncio.wait({starting, seen}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            seen.cancel()
            unsubscribe()

    async def _start(self) -> LoadedWorker:
        try:
            spec = await self._provision(self._enter)
            self._enter(EngineState(Phase.LOADING, f"loading {spec.name}"))
            self._connection, info = await self._loaded(spec)
        except CopilotdError as error:
            await self._end("")
            self._failed(error)
            raise
        finally:
            self._starting = None
        self._worker = LoadedWorker(self._connection, info)
        log.info("loaded %s in %.0f ms", info.path, info.load_ms)
        self._enter(EngineState(Phase.READY, f"{info.name} is loaded"))
        return self._worker

    async def _loaded(self, spec: WorkerSpec) -> tuple[WorkerProcess, ModelInfo]:
        """A process with the model; without AMX if the process did not survive its use."""
        connection = self._connection = await self._connect(self._died)
        amx = self._amx
        try:
            info = await connection.call(Load(0, replace(spec, amx=amx)), ModelInfo)
        except IllegalInstruction:
            if not amx:
                raise
            log.warning(
                "llama.cpp was compiled so that its use of AMX ends the process; done without, at "
                "some cost for prompts. Another compiler may do better."
            )
            self._amx = False
            return await self._loaded(spec)
        return connection, info

    def _check_back_off(self) -> None:
        if self._last_error is not None and time.monotonic() < self._retry_at:
            raise self._last_error

    def _failed(self, error: CopilotdError) -> None:
        self._failures += 1
        pause = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
        self._retry_at = time.monotonic() + pause
        self._last_error = error
        log.error("%s %s", error.message, error.hint)
        self._enter(EngineState(Phase.FAILED, error.message))

    # --- ending ------------------------------------------------------------------------------

    def _died(self, error: EngineDied) -> None:
        loaded = self._worker is not None
        self._connection = self._worker = None
        if loaded:
            self.restarts += 1
            self._failed(error)

    def _stop_idling(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _start_idling(self) -> None:
        if self._users or not self._idle_s or self._worker is None or self._closed:
            return
        self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._unload)

    def _unload(self) -> None:
        minutes = self._idle_s / 60
        task = asyncio.create_task(self._end(f"unloaded after {minutes:g} idle minutes"))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, why: str) -> None:
        connection, self._connection, self._worker = self._connection, None, None
        if connection is not None:
            await connection.close()
            self._enter(EngineState(Phase.STOPPED, why))

    def _enter(self, state: EngineState) -> None:
        self.state = state
        for listener in tuple(self._listeners):
            listener(state)
