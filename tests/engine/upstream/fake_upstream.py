"""A fake model server on a free port: a test sets its answers, and it records its requests."""

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
from copilotd.engine.upstream.monitor import CHECK_EVERY_S
from copilotd.models.catalogue import load_catalogue

VOCABULARY = {"<|fim_prefix|>": 1, "<|fim_suffix|>": 2, "<|fim_middle|>": 3, "<|im_end|>": 4}
"""The markers of the fake llama-server; any other character is one token, from 1000 on."""

PROPS = {
    "default_generation_settings": {"n_ctx": 2048},
    "chat_template": "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}",
    "bos_token": "",
    "eos_token": "<|im_end|>",
}


@dataclass(frozen=True)
class Answer:
    """One answer: `body`, or a stream of `events`.

    With `holds` the stream stays open; with `breaks` the connection closes before its end.
    """

    body: Any = None
    status: int = 200
    events: tuple[Any, ...] = ()
    holds: bool = False
    breaks: bool = False


Handler = Callable[[Any], Answer]


@dataclass
class FakeUpstream:
    """Answers each path with its handler, and records the paths, bodies and headers of requests.

    `disconnected` is set when the client closes a stream that `holds`.
    """

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
        """The bodies of all requests to `path`."""
        return [body for requested, body in self.requests if requested == path]

    async def start(self) -> None:
        """Listen; after a `stop`, on the same port as before."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Drop all connections and stop listening."""
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
    """A llama-server with a Qwen model; `completion` is the handler of prompts."""
    models = {"data": [{"id": "/models/qwen.gguf", "meta": {"size": 5, "n_embd": 2}}]}
    paths = {f"/{name.replace('__', '/')}": handler for name, handler in answers.items()}
    return FakeUpstream(
        {
            "/props": lambda body: Answer(PROPS),
            "/v1/models": lambda body: Answer(models),
            "/tokenize": lambda body: Answer({"tokens": _tokenize(body)}),
            **paths,
        }
    )


def vllm(*events: Any, **answers: Handler) -> FakeUpstream:
    """A server with OpenAI's API, which answers each completion with `events`."""
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


LLAMA_SERVER_END = {
    "content": "",
    "stop": True,
    "stop_type": "eos",
    "tokens_evaluated": 9,
    "tokens_predicted": 2,
    "timings": {"cache_n": 4, "prompt_ms": 5.0, "predicted_ms": 6.0},
}


def llama_server_answer(*texts: str, **end: Any) -> Any:
    """A handler that answers every prompt of a llama-server with these texts."""
    events = [{"content": text, "stop": False, "tokens_evaluated": 9} for text in texts]
    return lambda body: Answer(events=(*events, LLAMA_SERVER_END | end))


def completion_events(*texts: str) -> tuple[Any, ...]:
    """The events of a streamed text completion."""
    pieces = [{"choices": [{"text": text, "finish_reason": None}]} for text in texts]
    end = {"choices": [{"text": "", "finish_reason": "stop", "stop_reason": None}]}
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    counted = {"choices": [], "usage": usage | {"prompt_tokens_details": {"cached_tokens": 4}}}
    return (*pieces, end, counted)


def chat_events(*texts: str) -> tuple[Any, ...]:
    """The events of a streamed chat completion."""
    deltas = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    return ({"choices": [{"delta": {"role": "assistant"}}]}, *deltas, *completion_events()[-2:])


@asynccontextmanager
async def listening(server: FakeUpstream) -> AsyncGenerator[FakeUpstream, None]:
    """Run the server while the context is open."""
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def upstream_engine(
    server: FakeUpstream, *, check_every_s: float = CHECK_EVERY_S, **settings: Any
) -> AsyncGenerator[UpstreamEngine, None]:
    """Run the server, and an engine that uses it."""
    async with listening(server):
        section = UpstreamSection(url=server.url, **settings)
        engine = build_upstream(section, load_catalogue(), check_every_s)
        try:
            yield engine
        finally:
            await engine.close()


def _tokenize(body: Any) -> list[Any]:
    markers = "|".join(map(re.escape, VOCABULARY)) if body["parse_special"] else "(?!)"
    pieces = re.findall(f"{markers}|[\\s\\S]", body["content"])
    ids = [VOCABULARY.get(piece) or 1000 + ord(piece) for piece in pieces]
    if not body.get("with_pieces"):
        return ids
    return [{"id": id, "piece": piece} for id, piece in zip(ids, pieces, strict=True)]
