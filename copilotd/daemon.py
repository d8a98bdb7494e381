"""The composition root: builds every object once, starts and stops them in order."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

import psutil
from watchfiles import Change, awatch

from copilotd import __version__, lifecycle, logs
from copilotd.access_token import AccessToken
from copilotd.completion.service import CompletionService
from copilotd.config import RELOADABLE, ChatSection, Settings, describe_changes
from copilotd.config.live import Live
from copilotd.engine.interface import Engine
from copilotd.engine.performance import Speed, Tuning
from copilotd.engine.types import EngineState, Phase
from copilotd.errors import ConfigError
from copilotd.event_loop import StallWatch
from copilotd.http.app import build_app
from copilotd.http.server import HttpServer
from copilotd.lsp.listener import LspListener
from copilotd.models.sources.reference import canonicalize
from copilotd.paths import Paths
from copilotd.serving.engines import EnginePool, build_engine_pool, list_model_requests
from copilotd.serving.registry import ServedModel, ServedModels
from copilotd.serving.services import Services
from copilotd.serving.status import DaemonStatus, ModelStatus
from copilotd.serving.tuner import Tuner
from copilotd.serving.tuning_store import TuningStore, describe_machine
from copilotd.syntax.trees import SyntaxTrees
from copilotd.tools.audit import AuditLog
from copilotd.tools.mcp.servers import McpServers
from copilotd.tools.registry import ToolRegistry

log = logging.getLogger(__name__)

CLOSE_WITHIN_S = 0.9
"""Time for the front ends and the engines to close in parallel: less than half of the two promised
seconds."""


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """How the daemon was started.

    `read` is called to read the settings again when one of `files` changes. `copilotd restart`
    starts the daemon with `arguments`.
    """

    read: Callable[[], Settings]
    files: tuple[Path, ...] = ()
    arguments: tuple[str, ...] = ()


def build_daemon(paths: Paths, settings: Settings, launch: LaunchOptions) -> "Daemon":
    """The daemon with real engines and the models of `paths`.

    Raises: ConfigError if the upstream settings are invalid.
    """
    return Daemon(
        paths, settings, build_engine_pool(list_model_requests(paths, settings), settings), launch
    )


def serve(daemon: "Daemon") -> None:
    """Run the daemon in this process until SIGTERM, SIGINT or its own `stop`."""

    async def run() -> None:
        with _signals(daemon.stop):
            await daemon.run()

    daemon.stalls.run(run())


class Daemon:
    """The models, one completion service, and the front ends that share them.

    `stalls` watches the event loop that it runs in.
    """

    def __init__(
        self, paths: Paths, settings: Settings, engines: EnginePool, launch: LaunchOptions
    ) -> None:
        engine = engines.completion
        self._upstream = engines.upstream
        self._paths = paths
        self._settings = settings
        self._launch = launch
        self._chat_settings = Live(settings.chat)
        self._models = _build_models(settings, engines, self._chat_settings)
        self._completion_settings = Live(settings.completion)
        self._speed: Live[Speed | None] = Live(None)
        self._completion = CompletionService(
            engine, self._completion_settings, self._speed, SyntaxTrees()
        )
        tunings = TuningStore(paths.tunings, describe_machine())
        self._tuner = Tuner(engine, tunings, settings.model, self._set_speed, self._set_estimate)
        self._servers = McpServers(settings.tools.mcp if settings.tools.enabled else {})
        self._tools = ToolRegistry(settings.tools, AuditLog(paths.audit), self._servers)
        services = self._services()
        self._lsp = LspListener(services)
        self._token = AccessToken(paths.token) if settings.server.needs_token else None
        app = build_app(services, settings.server, self._token)
        self._http = HttpServer(app, settings.server)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._url = self._socket = ""
        self._started_at = time.monotonic()
        self.stalls = StallWatch()

    async def run(self) -> None:
        """Start, serve until `stop` is called, and clean up.

        Raises: AlreadyRunning, PortInUse, StartFailed, AccessFailed.
        """
        with lifecycle.claim(self._paths):
            try:
                await self._startup()
                await self._stopping.wait()
            finally:
                await self._shutdown()

    def stop(self) -> None:
        """Ask `run` to end; call it in the event loop of `run`."""
        self._stopping.set()

    def status(self) -> DaemonStatus:
        """A snapshot of the whole daemon."""
        models = self._models
        first = models.completion.status()
        return DaemonStatus(
            version=__version__,
            pid=os.getpid(),
            uptime=time.monotonic() - self._started_at,
            rss=psutil.Process().memory_info().rss,
            state=first.state,
            model=first.model,
            alias=first.alias,
            engine=first.engine,
            completion=self._completion.stats(),
            clients=self._lsp.clients,
            url=self._url,
            socket=self._socket,
            tuning=self._tuner.tuning,
            budget=self._completion.budget,
            chat=_status_if_separate(models.chat, models.completion),
            embedding=_status_if_separate(models.embedding, models.completion),
            upstream=self._upstream.status() if self._upstream else None,
            stall_ms=1000 * worst.seconds if (worst := self.stalls.worst) else 0.0,
        )

    async def _startup(self) -> None:
        for model in self._models.all:
            model.engine.subscribe(partial(self._on_engine_state, model))
        if self._token is not None:
            self._token.ensure()
        self._url = await self._http.start()
        self._socket = await self._lsp.start(self._paths)
        arguments = self._launch.arguments
        token_file = str(self._token.file) if self._token else ""
        lifecycle.announce(self._paths, self._url, self._socket, __version__, arguments, token_file)
        log.info("copilotd %s listens on %s and %s", __version__, self._url, self._socket)
        if self._upstream is not None:
            log.info("code and conversations are sent to %s", self._upstream.status().url)
        self._start_task(self._load(self._models.completion))
        self._start_task(self._watch_settings())

    async def _shutdown(self) -> None:
        log.info("copilotd ends")
        lifecycle.withdraw(self._paths)
        for task in self._tasks:
            task.cancel()
        # Engines and front ends close at the same time: an open stream ends when its engine ends.
        engines = (model.engine.close() for model in self._models.all)
        parts = (self._http.close(), self._lsp.close(), self._servers.close(), *engines)
        await asyncio.gather(*map(_close_in_time, parts))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _services(self) -> Services:
        return Services(
            completion=self._completion,
            models=self._models,
            tools=self._tools,
            status=self.status,
            stop=self.stop,
            tune=self._tuner.measure,
            llama_cpp=self._settings.llama_cpp,
        )

    def _start_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the models --------------------------------------------------------------------------

    def _on_engine_state(self, model: ServedModel, state: EngineState) -> None:
        if state.phase is Phase.READY:
            self._start_task(self._load(model))
        # The engine logs its failures itself, and a download reports more than a log needs.
        if state.phase not in (Phase.DOWNLOADING, Phase.FAILED):
            text = ": ".join(filter(None, (state.phase, state.detail)))
            log.info("%s %s", self._models.engine_name(model), text)

    async def _load(self, model: ServedModel) -> None:
        await model.load()
        if model is self._models.completion and model.info is not None:
            await self._tuner.tune_when_idle(model.info)

    def _set_speed(self, tuning: Tuning | None) -> None:
        self._speed.current = tuning.calibration.speed if tuning else None

    def _set_estimate(self, speed: Speed) -> None:
        self._speed.current = speed

    # --- settings that change while it runs --------------------------------------------------

    async def _watch_settings(self) -> None:
        # Watch folders, because editors replace files; resolve links, because people keep the files
        # elsewhere.
        files = {file.resolve() for file in self._launch.files}
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
            new = self._launch.read()
        except ConfigError as error:
            log.error("settings kept as they were: %s. %s", error.message, error.hint)
            return
        for line in describe_changes(self._settings, new):
            log.info("%s", line)
        self._apply_settings(
            self._settings.model_copy(update={t: getattr(new, t) for t in RELOADABLE})
        )

    def _apply_settings(self, settings: Settings) -> None:
        self._settings = settings
        self._completion_settings.current = settings.completion
        self._chat_settings.current = settings.chat
        self._tools.apply_settings(settings.tools)
        logs.set_level(settings.log.level)


def _build_models(
    settings: Settings, engines: EnginePool, chat_settings: Live[ChatSection]
) -> ServedModels:
    def serve_model(engine: Engine | None, name: str) -> ServedModel:
        return ServedModel(engine, name, "", chat_settings) if engine else first

    section = settings.model
    first = ServedModel(engines.completion, section.name, section.alias, chat_settings)
    chat = serve_model(engines.chat, settings.chat.model)
    name = settings.embedding.model
    if name and canonicalize(name) == canonicalize(settings.chat.model):
        return ServedModels(first, chat, chat)
    return ServedModels(first, chat, serve_model(engines.embedding, name))


def _status_if_separate(model: ServedModel, first: ServedModel) -> ModelStatus | None:
    return None if model is first else model.status()


async def _close_in_time(closing: Awaitable[None]) -> None:
    """A fault barrier: if one part fails to close, the others are closed in time."""
    try:
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await closing
    except Exception:
        log.exception("a part of the daemon did not close")


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
