"""A real HTTP server on a free port, with the real services on a fake engine."""

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from copilotd.access_token import AccessToken
from copilotd.completion.service import CompletionService
from copilotd.completion.types import CompletionStats
from copilotd.config import (
    ChatSection,
    CompletionSection,
    LlamaCppSection,
    ServerSection,
    ToolsSection,
)
from copilotd.config.live import Live
from copilotd.engine.fake import FakeEngine
from copilotd.engine.performance import CalibrationProgress, Setup, Tuning
from copilotd.http.app import Services, build_app
from copilotd.http.server import HttpServer
from copilotd.http.slow_clients import TimedProtocol
from copilotd.serving.registry import ServedModel, ServedModels
from copilotd.serving.status import DaemonStatus
from copilotd.tools.audit import AuditLog
from copilotd.tools.registry import ToolRegistry

_SERVER = ServerSection(port=0)
# On a busy machine too, the deadline must not cut a completion short.
_COMPLETION = CompletionSection(target_ms=60_000)
_CHAT = ChatSection(system_prompt="")
_LLAMA_CPP = LlamaCppSection()

JSON = {"accept": "application/json", "Content-Type": "application/json"}


@dataclass(frozen=True)
class RunningServer:
    """A running server with its URL, a client for it, and the calls of the daemon's `stop`."""

    url: str
    client: httpx2.AsyncClient
    engine: FakeEngine
    server: HttpServer
    completion: CompletionService
    stops: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.url.rsplit(":", 1)[1])

    async def post(self, path: str, body: object, **headers: str) -> httpx2.Response:
        """POST `body` as JSON."""
        return await self.client.post(path, json=body, headers=headers)

    async def stream(self, path: str, body: dict[str, Any], id_prefix: str) -> list[Any]:
        """The events of a stream, which share one id, without id, time and version."""
        response = await self.post(path, body | {"stream": True})
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        events = parse_events(response.text)
        assert len({c["id"] for c in events if isinstance(c, dict) and "id" in c}) == 1
        return [
            without_meta(c, id_prefix) if isinstance(c, dict) and "id" in c else c for c in events
        ]


@asynccontextmanager
async def run_server(
    engine: FakeEngine | None = None,
    settings: ServerSection = _SERVER,
    completion: CompletionSection = _COMPLETION,
    chat: ChatSection = _CHAT,
    chat_engine: FakeEngine | None = None,
    embedding_engine: FakeEngine | None = None,
    token: AccessToken | None = None,
    protocol: type[TimedProtocol] = TimedProtocol,
    llama_cpp: LlamaCppSection = _LLAMA_CPP,
) -> AsyncIterator[RunningServer]:
    """Serve `engine` as model `local`, and the others as `talker` and `vectors`."""
    engine = engine or FakeEngine("Paris")
    stops: list[str] = []
    services = build_services(
        engine, stops, completion, chat, chat_engine, embedding_engine, llama_cpp
    )
    server = HttpServer(build_app(services, settings, token), settings, protocol)
    url = await server.start()
    try:
        async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            yield RunningServer(url, client, engine, server, services.completion, stops)
    finally:
        await server.close()


def build_services(
    engine: FakeEngine,
    stops: list[str],
    completion: CompletionSection = _COMPLETION,
    chat: ChatSection = _CHAT,
    chat_engine: FakeEngine | None = None,
    embedding_engine: FakeEngine | None = None,
    llama_cpp: LlamaCppSection = _LLAMA_CPP,
) -> Services:
    """The real services on fake engines; `stops` records each call of the daemon's `stop`."""
    first = ServedModel(engine, "fake", "local", Live(chat))
    second = ServedModel(chat_engine, "talker.gguf", "", Live(chat)) if chat_engine else first
    third = ServedModel(embedding_engine, "vectors", "", Live(chat)) if embedding_engine else first
    return Services(
        completion=CompletionService(engine, Live(completion)),
        models=ServedModels(first, second, third),
        tools=ToolRegistry(ToolsSection(enabled=False), AuditLog(Path(os.devnull))),
        status=lambda: daemon_status(engine),
        stop=lambda: stops.append("stop"),
        tune=lambda: tune_engine(engine),
        llama_cpp=llama_cpp,
    )


async def tune_engine(engine: FakeEngine) -> AsyncGenerator[CalibrationProgress | Tuning, None]:
    """The progress of the engine's calibration, then its result for a machine of 1970."""
    async with aclosing(engine.calibrate(Setup(), 0.0, wait_for_idle_cpu=False)) as steps:
        async for step in steps:
            yield (
                step
                if isinstance(step, CalibrationProgress)
                else Tuning("fake", "a machine", 1.0, step)
            )


def daemon_status(engine: FakeEngine) -> DaemonStatus:
    """A status with the alias `local`."""
    return DaemonStatus(
        version="0",
        pid=1,
        uptime=2.5,
        rss=3,
        state=engine.state,
        model=None,
        alias="local",
        engine=engine.stats(),
        completion=CompletionStats(requests=4),
        clients=("Neovim",),
        url="http://127.0.0.1:1",
        socket="lsp.sock",
    )


def without_meta(body: Any, prefix: str) -> dict[str, Any]:
    """The object without id and time, which differ each time, and without the version."""
    rest = dict(body)
    assert str(rest.pop("id")).startswith(f"{prefix}-")
    assert isinstance(rest.pop("created"), int)
    assert str(rest.pop("system_fingerprint", "b")).startswith("b")
    return rest


def parse_events(text: str) -> list[Any]:
    """The data of all server-sent events of a stream: JSON values, and [DONE] as text."""
    *blocks, end = text.split("\n\n")
    assert end == ""
    assert all(block.startswith("data: ") for block in blocks)
    data = [block.removeprefix("data: ") for block in blocks]
    return [d if d.startswith("[") else json.loads(d) for d in data]


def usage(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    """A usage object in OpenAI's format."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
