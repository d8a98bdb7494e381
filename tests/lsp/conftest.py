import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from copilotd.completion.service import CompletionService
from copilotd.completion.types import CompletionStats
from copilotd.config import ChatSection, CompletionSection, ToolsSection
from copilotd.config.live import Live
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.interface import Engine
from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.lsp.listener import LspListener
from copilotd.paths import Paths
from copilotd.serving.registry import ServedModel, ServedModels
from copilotd.serving.services import Services
from copilotd.serving.status import DaemonStatus
from copilotd.tools.audit import AuditLog
from copilotd.tools.registry import ToolRegistry
from tests.lsp.raw_client import RawClient

Connect = Callable[[], Awaitable[RawClient]]


@pytest.fixture(autouse=True)
def _without_file_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the name of a short file out of its prompt; `tests/prompt` tests that name."""
    monkeypatch.setattr("copilotd.prompt.file_name._MAX_NAMED", -1)


class ScriptedModel(FakeEngine):
    """Writes each text of `first` once, and then always `text`, whatever the prompt is.

    It writes nothing while `gate` is closed. `prompts` receives the rendered prompt of every
    request, `ended` how each request ended.
    """

    def __init__(self) -> None:
        self.text = ""
        self.first_texts: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.prompts: asyncio.Queue[str] = asyncio.Queue()
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        info = replace(FAKE_MODEL, n_ctx=32_000)  # in characters, and the tools alone have many
        super().__init__(self._write, info=info, gate=self.gate)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        end = "cut off"
        try:
            async with aclosing(super().generate(request)) as events:
                async for event in events:
                    end = "finished" if isinstance(event, Finished) else end
                    yield event
        finally:
            self.ended.put_nowait(end)

    def _write(self, prompt: str) -> str:
        self.prompts.put_nowait(prompt)
        return self.first_texts.pop(0) if self.first_texts else self.text


@dataclass(frozen=True)
class FakeDaemon:
    """The parts of a daemon that editors reach: the listener on `socket` and what it serves."""

    listener: LspListener
    model: ScriptedModel
    completion: CompletionService
    settings: Live[CompletionSection]
    socket: str

    def stats(self) -> CompletionStats:
        return self.completion.stats()


@pytest.fixture
def paths() -> Iterator[Paths]:
    # The name of a unix socket must be short, and pytest's own folders are deep on some systems.
    with tempfile.TemporaryDirectory(prefix="copilotd-") as folder:
        root = Path(folder)
        yield Paths(*(root / name for name in ("config", "data", "state", "run", "cache")))


def daemon_status(engine: Engine, completion: CompletionService) -> DaemonStatus:
    return DaemonStatus(
        version="1.2.3",
        pid=42,
        uptime=1.5,
        rss=1000,
        state=engine.state,
        model=None,
        alias="fake",
        engine=engine.stats(),
        completion=completion.stats(),
        clients=(),
        url="http://127.0.0.1:8000",
        socket="",
    )


def build_services(engine: Engine, completion: CompletionService, paths: Paths) -> Services:
    """The real services on `engine`, except for `stop` and `tune`, which editors do not call."""
    model = ServedModel(engine, "fake", "", Live(ChatSection()))
    return Services(
        completion=completion,
        models=ServedModels(model, model, model),
        tools=ToolRegistry(ToolsSection(), AuditLog(paths.audit)),
        status=lambda: daemon_status(engine, completion),
        stop=Mock(),
        tune=Mock(),
    )


@pytest.fixture
async def daemon(paths: Paths) -> AsyncIterator[FakeDaemon]:
    model = ScriptedModel()
    # Even if this process has to wait for long, no answer is a partial one.
    settings = Live(CompletionSection(debounce_ms=0, target_ms=60_000))
    completion = CompletionService(model, settings)
    listener = LspListener(build_services(model, completion, paths))
    yield FakeDaemon(listener, model, completion, settings, await listener.start(paths))
    await listener.close()


@pytest.fixture
async def connect(daemon: FakeDaemon) -> AsyncIterator[Connect]:
    """Opens connections, and checks at the end that each got all its responses."""
    clients: list[RawClient] = []

    async def connect() -> RawClient:
        clients.append(await RawClient.connect(daemon.socket))
        return clients[-1]

    yield connect
    for client in clients:
        if not client.is_closed:
            await client.shut_down()


@pytest.fixture
async def client(connect: Connect) -> RawClient:
    """One connection, before `initialize`."""
    return await connect()
