"""Clients that take their time."""

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
from tests.http.fake_engines import STOP, HeldEngine, PlayedEngine
from tests.http.http_server import Served, serving
from tests.http.shared.test_disconnect import HI, sent

HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
STREAM = b'{"prompt": "x", "stream": true}'
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


class Hasty(TimedProtocol):
    """Waits for nobody: only what is missing ends a connection, so the others are long."""

    timeouts = Timeouts(head_s=0.3, body_s=0.3, read_s=0.3, connections=3)


class Flood(HeldEngine):
    """Writes pieces of 100 KB for as long as somebody takes them, and counts them."""

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
async def hasty() -> AsyncIterator[Served]:
    async with serving(protocol=Hasty) as served:
        yield served


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
async def test_a_request_that_does_not_become_complete_is_cut_off(
    hasty: Served, beginning: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await opened(hasty)
    writer.write(beginning)
    rest = await ended(reader)
    writer.close()

    assert rest == b""
    assert hasty.engine.requests == []
    assert caplog.text == ""


async def test_a_byte_now_and_then_does_not_prolong_the_time_limit(hasty: Served) -> None:
    reader, writer = await opened(hasty)
    dripping = asyncio.create_task(drip(writer))
    rest = await ended(reader)
    dripping.cancel()
    writer.close()

    assert rest == b""


async def test_a_slow_second_request_on_a_connection_is_cut_off_too(hasty: Served) -> None:
    reader, writer = await opened(hasty)
    writer.write(HEALTH + b"GET /heal")
    rest = await ended(reader)
    writer.close()

    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.count(b"HTTP/1.1") == 1


async def test_a_body_that_was_refused_before_it_came_cannot_take_for_ever(hasty: Served) -> None:
    reader, writer = await opened(hasty)
    writer.write(
        b"POST /v1/completions HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n"
    )
    rest = await ended(reader)
    writer.close()

    assert rest.startswith(b"HTTP/1.1 403 Forbidden\r\n")


async def test_an_answer_may_take_longer_than_a_request() -> None:
    engine = HeldEngine()
    async with serving(engine, protocol=Hasty) as served:
        asking = asyncio.create_task(served.post("/v1/completions", {"prompt": "x"}))
        await asyncio.wait_for(engine.request_received.wait(), 30)
        # Twice what a request may take.
        await asyncio.wait((asking,), timeout=0.6)
        engine.gate.set()
        response = await asking

    assert response.status_code == 200


async def test_a_quick_client_may_ask_again_and_again_on_one_connection(hasty: Served) -> None:
    reader, writer = await opened(hasty)
    for _ in range(3):
        writer.write(HEALTH)
        await asyncio.wait_for(reader.readuntil(b"}"), 30)
    again = asyncio.create_task(reader.read(1))
    # Longer than a request may take: between two of them there is no such limit.
    await asyncio.wait((again,), timeout=0.6)
    writer.write(HEALTH)
    first = await asyncio.wait_for(again, 30)
    writer.close()

    assert first == b"H"


async def test_a_client_that_says_nothing_is_cut_off() -> None:
    class Impatient(TimedProtocol):
        timeouts = Timeouts(idle_s=0)

    async with serving(protocol=Impatient) as served:
        reader, writer = await opened(served)
        rest = await ended(reader)
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
async def test_a_client_that_does_not_read_stops_the_stream_and_then_loses_it(
    path: str, body: dict[str, Any]
) -> None:
    engine = Flood()
    async with serving(engine, protocol=Hasty) as served:
        _reader, writer = await sent(served, path, body)
        # A reader of asyncio's stops reading by itself once it holds twice its limit.
        await asyncio.wait_for(engine.ended.wait(), 30)
        writer.close()
        pieces = engine.written

    assert engine.cancelled == body.get("n", 1)
    # What the system's buffers hold: far from what an engine writes that nothing stops.
    assert pieces < 200


async def test_a_slow_reader_gets_everything_as_long_as_it_reads() -> None:
    size = 16_000_000
    async with serving(PlayedEngine(Chunk("x" * size), STOP), protocol=Hasty) as served:
        reader, writer = await sent(served, "/v1/completions", {"prompt": "x"})
        async with asyncio.timeout(30):
            head = await reader.readuntil(b"\r\n\r\n")
            body = 0
            while body < size:
                body += len(await reader.read(200_000))
                await asyncio.sleep(0.01)
        writer.close()

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_what_waits_for_a_client_that_does_not_read_is_little_memory() -> None:
    engine = Flood()
    async with serving(engine) as served:
        tracemalloc.start()
        _, writer = await sent(served, "/v1/completions", {"prompt": "x", "stream": True})
        await settled(engine)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        writer.close()
        await asyncio.wait_for(engine.ended.wait(), 30)

    assert held < 3_000_000


async def test_one_connection_too_many_is_closed_and_one_that_ends_makes_room(
    hasty: Served,
) -> None:
    held = [await opened(hasty) for _ in range(3)]
    for reader, writer in held:
        writer.write(HEALTH)
        await asyncio.wait_for(reader.readuntil(b"}"), 30)
    late, late_writer = await opened(hasty)
    refused = await ended(late)
    late_writer.close()
    held[0][1].write(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    await ended(held[0][0])
    welcome = await hasty.client.get("/health")
    for _, writer in held:
        writer.close()

    assert refused == b""
    assert welcome.status_code == 200


async def test_headers_without_end_are_refused(paris: Served) -> None:
    reader, writer = await opened(paris)
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000)
    answer = await ended(reader)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_uvicorn_is_pinned_to_the_minor_version_that_these_tests_run_with() -> None:
    dependencies = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["dependencies"]
    [pin] = [one for one in dependencies if one.startswith("uvicorn")]
    major, minor = map(int, version("uvicorn").split(".")[:2])

    assert pin == f"uvicorn>={major}.{minor},<{major}.{minor + 1}"


async def opened(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", served.port, limit=1024)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server hangs up, which it does in time."""
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
    """A header that never ends, byte by byte."""
    writer.write(b"GET /health HTTP/1.1\r\nX: ")
    while True:
        await asyncio.sleep(0.05)
        writer.write(b"x")


async def settled(engine: Flood) -> None:
    """Wait until nothing is taken any more."""
    async with asyncio.timeout(30):
        before = -1
        while engine.written != before:
            before = engine.written
            await asyncio.sleep(0.2)
