"""Slow clients, and more clients than the server takes."""

import asyncio
import gc
import tomllib
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.http.slow_clients import TimedProtocol, Timeouts
from tests.http.fake_engines import STOP, BlockingEngine, ScriptedEngine
from tests.http.http_server import RunningServer, run_server
from tests.http.shared.test_disconnect import HI, send_request

HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
STREAM = b'{"prompt": "x", "stream": true}'
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


class ShortDeadlines(TimedProtocol):
    """Short deadlines for each part of a request; the idle one stays long."""

    timeouts = Timeouts(head_s=0.3, body_s=0.3, read_s=0.3, connections=3)


class FloodEngine(BlockingEngine):
    """Generates pieces of 100 KB until its reader stops, and counts them."""

    def __init__(self) -> None:
        super().__init__(hold=False)
        self.written = 0

    async def _stream(
        self, request: GenerateRequest, answer: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        while True:
            self.written += 1
            yield Chunk("x" * 100_000)


@pytest.fixture
async def impatient_server() -> AsyncIterator[RunningServer]:
    async with run_server(protocol=ShortDeadlines) as server:
        yield server


@pytest.mark.parametrize(
    "beginning",
    [
        b"G",
        b"GET /health HTTP/1.1\r\nHost: localh",
        HEALTH.removesuffix(b"\r\n"),
        HEAD + b"Content-Length: 31\r\n\r\n",
        HEAD + b"Content-Length: 31\r\n\r\n" + STREAM[:-1],
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{ \r\n",
    ],
    ids=["method", "name", "last line", "no body", "last byte", "chunks"],
)
async def test_an_incomplete_request_is_cut_off(
    impatient_server: RunningServer, beginning: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await connect(impatient_server)
    writer.write(beginning)
    rest = await read_to_end(reader)
    writer.close()

    assert rest == b""
    assert impatient_server.engine.requests == []
    assert caplog.text == ""


async def test_single_bytes_do_not_extend_the_deadline(impatient_server: RunningServer) -> None:
    reader, writer = await connect(impatient_server)
    task = asyncio.create_task(drip(writer))
    rest = await read_to_end(reader)
    task.cancel()
    writer.close()

    assert rest == b""


async def test_a_slow_second_request_on_a_connection_is_cut_off_too(
    impatient_server: RunningServer,
) -> None:
    reader, writer = await connect(impatient_server)
    writer.write(HEALTH + b"GET /heal")
    rest = await read_to_end(reader)
    writer.close()

    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.count(b"HTTP/1.1") == 1


async def test_a_refused_request_whose_body_never_comes_is_cut_off(
    impatient_server: RunningServer,
) -> None:
    reader, writer = await connect(impatient_server)
    writer.write(
        b"POST /v1/completions HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n"
    )
    rest = await read_to_end(reader)
    writer.close()

    assert rest.startswith(b"HTTP/1.1 403 Forbidden\r\n")


async def test_the_response_may_take_longer_than_the_request() -> None:
    engine = BlockingEngine()
    async with run_server(engine, protocol=ShortDeadlines) as server:
        task = asyncio.create_task(server.post("/v1/completions", {"prompt": "x"}))
        await asyncio.wait_for(engine.request_received.wait(), 30)
        # Twice the time that a request may take.
        await asyncio.wait((task,), timeout=0.6)
        engine.gate.set()
        response = await task

    assert response.status_code == 200


async def test_a_connection_can_carry_many_requests(impatient_server: RunningServer) -> None:
    reader, writer = await connect(impatient_server)
    for _ in range(3):
        writer.write(HEALTH)
        await asyncio.wait_for(reader.readuntil(b"}"), 30)
    again = asyncio.create_task(reader.read(1))
    # Longer than a request may take: between two requests there is no such limit.
    await asyncio.wait((again,), timeout=0.6)
    writer.write(HEALTH)
    first = await asyncio.wait_for(again, 30)
    writer.close()

    assert first == b"H"


async def test_a_silent_client_is_cut_off() -> None:
    class Impatient(TimedProtocol):
        timeouts = Timeouts(idle_s=0)

    async with run_server(protocol=Impatient) as server:
        reader, writer = await connect(server)
        rest = await read_to_end(reader)
        writer.close()

    assert rest == b""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": "x", "stream": True}),
        ("/v1/completions", {"prompt": "x", "stream": True, "n": 2}),
        ("/v1/chat/completions", {"messages": HI, "stream": True}),
        ("/v1/messages", {"messages": HI, "stream": True, "max_tokens": 9}),
        ("/api/generate", {"prompt": "x"}),
    ],
)
async def test_a_client_that_does_not_read_suspends_its_stream_and_is_then_cut_off(
    path: str, body: dict[str, Any]
) -> None:
    engine = FloodEngine()
    async with run_server(engine, protocol=ShortDeadlines) as server:
        _reader, writer = await send_request(server, path, body)
        # An asyncio reader stops by itself once it buffers twice its limit.
        await asyncio.wait_for(engine.ended.wait(), 30)
        writer.close()
        pieces = engine.written

    assert engine.cancelled == body.get("n", 1)
    # What fits in the buffers of the system; an engine that nothing suspends generates far more.
    assert pieces < 200


async def test_a_slow_reader_gets_everything_as_long_as_it_reads() -> None:
    size = 16_000_000
    async with run_server(
        ScriptedEngine(Chunk("x" * size), STOP), protocol=ShortDeadlines
    ) as server:
        reader, writer = await send_request(server, "/v1/completions", {"prompt": "x"})
        async with asyncio.timeout(30):
            head = await reader.readuntil(b"\r\n\r\n")
            body = 0
            while body < size:
                body += len(await reader.read(200_000))
                await asyncio.sleep(0.01)
        writer.close()

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_client_that_does_not_read_costs_little_memory() -> None:
    engine = FloodEngine()
    async with run_server(engine) as server:
        tracemalloc.start()
        _, writer = await send_request(server, "/v1/completions", {"prompt": "x", "stream": True})
        await wait_until_suspended(engine)
        gc.collect()
        memory, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        writer.close()
        await asyncio.wait_for(engine.ended.wait(), 30)

    assert memory < 3_000_000


async def test_a_connection_over_the_limit_is_closed_and_a_closed_one_makes_room(
    impatient_server: RunningServer,
) -> None:
    connections = [await connect(impatient_server) for _ in range(3)]
    for reader, writer in connections:
        writer.write(HEALTH)
        await asyncio.wait_for(reader.readuntil(b"}"), 30)
    extra_reader, extra_writer = await connect(impatient_server)
    refused = await read_to_end(extra_reader)
    extra_writer.close()
    connections[0][1].write(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    await read_to_end(connections[0][0])
    accepted = await impatient_server.client.get("/health")
    for _, writer in connections:
        writer.close()

    assert refused == b""
    assert accepted.status_code == 200


async def test_endless_headers_are_refused(paris: RunningServer) -> None:
    reader, writer = await connect(paris)
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000)
    answer = await read_to_end(reader)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_uvicorn_is_pinned_to_the_minor_version_that_these_tests_run_with() -> None:
    dependencies = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["dependencies"]
    [pin] = [one for one in dependencies if one.startswith("uvicorn")]
    major, minor = map(int, version("uvicorn").split(".")[:2])

    assert pin == f"uvicorn>={major}.{minor},<{major}.{minor + 1}"


async def connect(server: RunningServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.port, limit=1024)


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """The bytes that come until the server hangs up."""
    try:
        return await asyncio.wait_for(_all(reader), 30)
    except ConnectionResetError:
        return b""


async def _all(reader: asyncio.StreamReader) -> bytes:
    got = b""
    try:
        while piece := await reader.read(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send a header that never ends, byte by byte."""
    writer.write(b"GET /health HTTP/1.1\r\nX: ")
    while True:
        await asyncio.sleep(0.05)
        writer.write(b"x")


async def wait_until_suspended(engine: FloodEngine) -> None:
    """Wait until the engine stands still."""
    async with asyncio.timeout(30):
        before = -1
        while engine.written != before:
            before = engine.written
            await asyncio.sleep(0.2)
