import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from copilotd.completion.service import CompletionService
from copilotd.completion.types import CompletionStats
from copilotd.config import ChatSection, CompletionSection, ToolsSection
from copilotd.config.live import Live
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.lsp.listener import LspListener
from copilotd.paths import Paths
from copilotd.serving.registry import ServedModel
from copilotd.serving.status import DaemonStatus
from copilotd.tools.audit import AuditLog
from copilotd.tools.registry import ToolRegistry
from tests.lsp.raw_client import RawClient

Connect = Callable[[], Awaitable[RawClient]]


class Model(FakeEngine):
    """Writes `text`, whatever it is asked, as soon as `gate` is open; before that each of `first`.

    `prompts` takes the rendered prompt of every request, `ended` how each one ended.
    """

    def __init__(self) -> None:
        self.text = ""
        self.first: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.prompts: asyncio.Queue[str] = asyncio.Queue()
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        info = replace(FAKE_MODEL, n_ctx=32_000)  # characters, and tools have many
        super().__init__(self._written, info=info, hold=self.gate)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        end = "cut off"
        try:
            async with aclosing(super().generate(request)) as events:
                async for event in events:
                    end = "finished" if isinstance(event, Finished) else end
                    yield event
        finally:
            self.ended.put_nowait(end)

    def _written(self, prompt: str) -> str:
        self.prompts.put_nowait(prompt)
        return self.first.pop(0) if self.first else self.text


@dataclass(frozen=True)
class Daemon:
    """What the tests need of a daemon: the front, the engine below it, and the socket."""

    front: LspListener
    model: Model
    service: CompletionService
    socket: str

    def stats(self) -> CompletionStats:
        return self.service.stats()


@pytest.fixture
def paths() -> Iterator[Paths]:
    # The name of a unix socket must be short, and pytest's own folders are deep on some systems.
    with tempfile.TemporaryDirectory(prefix="copilotd-") as folder:
        root = Path(folder)
        yield Paths(*(root / name for name in ("config", "data", "state", "run", "cache")))


def daemon_status(model: Model, service: CompletionService) -> DaemonStatus:
    return DaemonStatus(
        version="1.2.3",
        pid=42,
        uptime=1.5,
        rss=1000,
        state=model.state,
        model=None,
        alias="fake",
        engine=model.stats(),
        completion=service.stats(),
        clients=(),
        url="http://127.0.0.1:8000",
        socket="",
    )


def toolset(paths: Paths, settings: ToolsSection | None = None) -> ToolRegistry:
    return ToolRegistry(settings or ToolsSection(), AuditLog(paths.audit))


@pytest.fixture
async def daemon(paths: Paths) -> AsyncIterator[Daemon]:
    model = Model()
    # However long this process is kept waiting, an answer is the whole one.
    settings = CompletionSection(debounce_ms=0, target_ms=60_000)
    service = CompletionService(model, Live(settings))
    talker = ServedModel(model, "fake", "", ChatSection())
    front = LspListener(service, model, talker, lambda: daemon_status(model, service), toolset(paths))
    yield Daemon(front, model, service, await front.start(paths))
    await front.close()


@pytest.fixture
async def connect(daemon: Daemon) -> AsyncIterator[Connect]:
    """Opens connections; at the end every one must have had all its answers."""
    clients: list[RawClient] = []

    async def connect() -> RawClient:
        clients.append(await RawClient.connect(daemon.socket))
        return clients[-1]

    yield connect
    for client in clients:
        if not client.is_over:
            await client.leave()


@pytest.fixture
async def client(connect: Connect) -> RawClient:
    """One connection, on which nothing has been said yet."""
    return await connect()
