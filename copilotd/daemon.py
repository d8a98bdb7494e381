"""The composition root: every object is built once, here, and started and ended in order."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil
from watchfiles import Change, awatch

from copilotd import __version__, lifecycle, logs
from copilotd.chat.session import ChatService
from copilotd.completion.service import CompletionService
from copilotd.completion.text import TextService
from copilotd.config import RELOADABLE, Settings, tables
from copilotd.engine.client import EngineClient
from copilotd.engine.protocol import Engine
from copilotd.errors import ConfigError, CopilotdError
from copilotd.http.app import Services, build_app
from copilotd.http.front import HttpFront
from copilotd.loading import provider
from copilotd.lsp.front import LspFront
from copilotd.models.catalogue import load_catalogue
from copilotd.models.provision import Provision
from copilotd.models.store import Store
from copilotd.paths import Paths
from copilotd.types import DaemonStatus, EngineState, ModelInfo, Phase

log = logging.getLogger(__name__)

CLOSE_WITHIN_S = 0.9
"""For the fronts and the engine, side by side: less than half of the two seconds promised."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How the daemon was started, and so how its settings are read again.

    `files` are watched; `arguments` are what `copilotd restart` starts it with.
    """

    read: Callable[[], Settings]
    files: tuple[Path, ...] = ()
    arguments: tuple[str, ...] = ()


def build(paths: Paths, settings: Settings, origin: Origin) -> "Daemon":
    """The daemon with the real engine and the models of `paths`."""
    provision = Provision(Store(paths.models), load_catalogue(), settings.model)
    engine = EngineClient(provider(provision, settings.model), settings.engine)
    return Daemon(paths, settings, engine, origin)


def serve(daemon: "Daemon") -> None:
    """Run the daemon in this process until SIGTERM, SIGINT or its own `stop`."""

    async def run() -> None:
        with _signals(daemon.stop):
            await daemon.run()

    asyncio.run(run())


class Daemon:
    """One engine, one completion service, one chat service, and the fronts that share them."""

    def __init__(self, paths: Paths, settings: Settings, engine: Engine, origin: Origin) -> None:
        self._paths = paths
        self._settings = settings
        self._origin = origin
        self._engine = engine
        self._completion = CompletionService(engine, settings.completion)
        self._chat = ChatService(engine, settings.chat)
        self._text = TextService(engine)
        self._lsp = LspFront(self._completion, engine, self.status)
        self._http = HttpFront(build_app(self._services(), settings.server), settings.server)
        self._model: ModelInfo | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._url = self._socket = ""
        self._born = time.monotonic()

    async def run(self) -> None:
        """Start, serve until `stop`, and leave nothing behind.

        Raises: AlreadyRunning, PortInUse, StartFailed.
        """
        with lifecycle.claim(self._paths):
            try:
                await self._startup()
                await self._stopping.wait()
            finally:
                await self._shutdown()

    def stop(self) -> None:
        """Ask `run` to end; to be called in its loop."""
        self._stopping.set()

    def status(self) -> DaemonStatus:
        """One look at the whole daemon."""
        return DaemonStatus(
            version=__version__,
            pid=os.getpid(),
            uptime=time.monotonic() - self._born,
            rss=psutil.Process().memory_info().rss,
            state=self._engine.state,
            model=self._model,
            alias=self._alias(),
            engine=self._engine.stats(),
            completion=self._completion.stats(),
            clients=self._lsp.clients,
            url=self._url,
            socket=self._socket,
        )

    async def _startup(self) -> None:
        self._engine.subscribe(self._engine_changed)
        self._url = await self._http.start()
        self._socket = await self._lsp.start(self._paths)
        arguments = self._origin.arguments
        lifecycle.announce(self._paths, self._url, self._socket, __version__, arguments)
        log.info("copilotd %s listens on %s and %s", __version__, self._url, self._socket)
        self._begin(self._load_model())
        self._begin(self._watch_settings())

    async def _shutdown(self) -> None:
        log.info("copilotd ends")
        lifecycle.retract(self._paths)
        for task in self._tasks:
            task.cancel()
        # The engine at the same time as the fronts: their streams end as soon as it has.
        closing = (self._http.close(), self._lsp.close(), self._engine.close())
        await asyncio.gather(*map(_closed, closing))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _services(self) -> Services:
        return Services(
            self._completion, self._text, self._chat, self._engine, self.status, self.stop
        )

    def _alias(self) -> str:
        known = self._model.name if self._model else self._settings.model.name
        return self._settings.model.alias or known

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the model ---------------------------------------------------------------------------

    def _engine_changed(self, state: EngineState) -> None:
        if state.phase is Phase.READY:
            self._begin(self._load_model())
        # Failures it logs itself, with their next step; a download says more than a log needs.
        if state.phase not in (Phase.DOWNLOADING, Phase.FAILED):
            log.info("engine %s", ": ".join(filter(None, (state.phase, state.detail))))

    async def _load_model(self) -> None:
        # The engine logs its own failures, and says when it is ready after a download.
        with suppress(CopilotdError):
            self._model = await self._engine.info()

    # --- settings that change while it runs --------------------------------------------------

    async def _watch_settings(self) -> None:
        # Folders, since editors replace files; of the real files, since people keep them elsewhere.
        files = {file.resolve() for file in self._origin.files}
        folders = {file.parent for file in files}

        def is_ours(change: Change, path: str) -> bool:
            return Path(path).resolve() in files

        try:
            async for _ in awatch(*folders, watch_filter=is_ours, recursive=False):
                self._reload()
        except OSError as error:
            log.warning("changed settings need copilotd restart: %s", error)

    def _reload(self) -> None:
        try:
            new = self._origin.read()
        except ConfigError as error:
            log.error("settings kept as they were: %s. %s", error.message, error.hint)
            return
        changed = [t for t in tables() if getattr(new, t) != getattr(self._settings, t)]
        for table in changed:
            later = "" if table in RELOADABLE else " after copilotd restart"
            log.info("[%s] changed, takes effect%s", table, later)
        self._apply(self._settings.model_copy(update={t: getattr(new, t) for t in RELOADABLE}))

    def _apply(self, settings: Settings) -> None:
        self._settings = settings
        self._completion.settings = settings.completion
        self._chat.settings = settings.chat
        logs.set_level(settings.log.level)


async def _closed(closing: Awaitable[None]) -> None:
    """A fault barrier: whatever one part does at its end, the others are closed too, in time."""
    try:
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await closing
    except Exception:
        log.exception("a part of the daemon did not close")


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def ended(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)

    before = {number: signal.signal(number, ended) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
