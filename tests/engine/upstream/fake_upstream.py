"""A server on a free port that answers as a test says, and remembers what it was asked."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from copilotd.config import UpstreamSection
from copilotd.engine.upstream.client import UpstreamEngine
from copilotd.engine.upstream.factory import build_upstream
from copilotd.models.catalogue import load_catalogue

VOCABULARY = {"<|fim_prefix|>": 1, "<|fim_suffix|>": 2, "<|fim_middle|>": 3, "<|im_end|>": 4}
"""Of the llama-server: all else is tokens of one character each, from 1000 on."""

PROPS = {
    "default_generation_settings": {"n_ctx": 2048},
    "chat_template": "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}",
    "bos_token": "",
    "eos_token": "<|im_end|>",
}


@dataclass(frozen=True)
class Answer:
    """`events` are streamed; with `holds` the client hears no end of them. Else `body` is sent."""

    body: Any = None
    status: int = 200
    events: tuple[Any, ...] = ()
    holds: bool = False
    breaks: bool = False


Handler = Callable[[Any], Answer]


@dataclass
class FakeUpstream:
    """What it answers by path, and what it was asked: paths, bodies and headers."""

    answers: dict[str, Handler]
    requests: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent_to(self, path: str) -> list[Any]:
        """The bodies of all requests for `path`."""
        return [body for requested, body in self.requests if requested == path]

    async def start(self) -> None:
        """Listen, at the second time where it did before."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Drop all connections, and answer no more."""
        assert self.server is not None
        self.server.close()
        for writer in tuple(self.writers):
            writer.transport.abort()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self.writers.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines if line)}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        path, body = first.split()[1], json.loads(data) if data else None
        self.requests.append((path, body))
        self.headers.append(headers)
        handler = self.answers.get(path, lambda body: Answer({"error": "none"}, 404))
        answer = handler(body)
        if answer.events or answer.holds or answer.breaks:
            await self._stream(answer, reader, writer)
        else:
            sent = json.dumps(answer.body).encode()
            head = f"HTTP/1.1 {answer.status} X\r\nContent-Length: {len(sent)}\r\n"
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + sent)
        await writer.drain()

    async def _stream(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for event in answer.events:
            line = f"data: {json.dumps(event)}\n\n".encode()
            writer.write(b"%x\r\n%s\r\n" % (len(line), line))
        await writer.drain()
        if answer.holds:
            await reader.read()
            self.disconnected.set()
        elif not answer.breaks:
            writer.write(b"0\r\n\r\n")


def llama_server(**answers: Handler) -> FakeUpstream:
    """A llama-server with a Qwen in it; `completion` is what it answers to a prompt."""
    models = {"data": [{"id": "/models/qwen.gguf", "meta": {"size": 5, "n_embd": 2}}]}
    paths = {f"/{name.replace('__', '/')}": handler for name, handler in answers.items()}
    return FakeUpstream(
        {
            "/props": lambda body: Answer(PROPS),
            "/v1/models": lambda body: Answer(models),
            "/tokenize": lambda body: Answer({"tokens": _tokens(body)}),
            **paths,
        }
    )


def vllm(*events: Any, **answers: Handler) -> FakeUpstream:
    """A server that speaks OpenAI's dialect; it answers everything with `events`."""
    models = {"data": [{"id": "Qwen/Qwen2.5-Coder-7B", "max_model_len": 4096}]}
    paths = {f"/v1/{name.replace('__', '/')}": handler for name, handler in answers.items()}
    return FakeUpstream(
        {
            "/v1/models": lambda body: Answer(models),
            "/v1/completions": lambda body: Answer(events=events),
            "/v1/chat/completions": lambda body: Answer(events=events),
            **paths,
        }
    )


@asynccontextmanager
async def listening(server: FakeUpstream) -> AsyncGenerator[FakeUpstream, None]:
    """It runs while the context is open."""
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def upstream_engine(
    server: FakeUpstream, **settings: Any
) -> AsyncGenerator[UpstreamEngine, None]:
    """The server, and the handle on it."""
    async with listening(server):
        engine = build_upstream(UpstreamSection(url=server.url, **settings), load_catalogue())
        try:
            yield engine
        finally:
            await engine.close()


def _tokens(body: Any) -> list[Any]:
    markers = "|".join(map(re.escape, VOCABULARY)) if body["parse_special"] else "(?!)"
    pieces = re.findall(f"{markers}|[\\s\\S]", body["content"])
    ids = [VOCABULARY.get(piece) or 1000 + ord(piece) for piece in pieces]
    if not body.get("with_pieces"):
        return ids
    return [{"id": id, "piece": piece} for id, piece in zip(ids, pieces, strict=True)]
