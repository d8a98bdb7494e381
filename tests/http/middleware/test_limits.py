"""More requests than the daemon or the engine can take at a time."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from copilotd.config import ServerSection
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.errors import EngineBusy
from tests.http.fake_engines import BlockingEngine
from tests.http.http_server import run_server

HI = [{"role": "user", "content": "Hi"}]
ONE = ServerSection(port=0, max_requests=1)
FULL = "1 requests are already running; server.max_requests sets the limit."
BUSY = "64 requests are waiting already. Try again in a moment."


def openais(message: str, code: str) -> dict[str, Any]:
    return {
        "error": {"message": message, "type": "server_error", "param": None, "code": code},
    }


def anthropics(message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "overloaded_error", "message": message}}


class BusyEngine(FakeEngine):
    """Refuses every request."""

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        raise EngineBusy("64 requests are waiting already", "Try again in a moment.")
        yield Chunk("never")

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        raise EngineBusy("64 requests are waiting already", "Try again in a moment.")


GENERATING: list[tuple[str, dict[str, Any]]] = [
    ("/v1/completions", {"prompt": "x"}),
    ("/v1/completions", {"prompt": "x", "n": 3}),
    ("/v1/completions", {"prompt": "x", "stream": True}),
    ("/v1/chat/completions", {"messages": HI}),
    ("/v1/chat/completions", {"messages": HI, "stream": True}),
    ("/v1/responses", {"input": "Hi"}),
    ("/v1/responses", {"input": "Hi", "stream": True}),
    ("/v1/embeddings", {"input": "Hi"}),
    ("/v1/engines/any/completions", {"prompt": "x"}),
    ("/v1/messages", {"messages": HI, "max_tokens": 9}),
    ("/v1/messages", {"messages": HI, "max_tokens": 9, "stream": True}),
    ("/api/chat", {"messages": HI}),
    ("/api/chat", {"messages": HI, "stream": False}),
    ("/api/generate", {"prompt": "x"}),
    ("/api/embed", {"input": "x"}),
]


@pytest.mark.parametrize(("path", "body"), GENERATING)
async def test_a_full_engine_queue_is_503_with_retry_after_in_every_dialect(
    path: str, body: dict[str, Any]
) -> None:
    async with run_server(BusyEngine()) as server:
        response = await server.post(path, body)

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json() == error_body(path, BUSY, "engine_busy")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *GENERATING,
        ("/infill", {"input_prefix": "x", "input_suffix": ""}),
        ("/admin/complete", {"path": "a.py", "text": "x", "offset": 1}),
        ("/nowhere", {}),
    ],
)
async def test_one_request_too_many_is_503_with_retry_after_in_every_dialect(
    path: str, body: dict[str, Any]
) -> None:
    engine = BlockingEngine()
    async with run_server(engine, ONE) as server:
        first = asyncio.create_task(server.post("/v1/completions", {"prompt": "x"}))
        await asyncio.wait_for(engine.request_received.wait(), 30)
        response = await server.post(path, body)
        engine.gate.set()
        answered = await first

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json() == error_body(path, FULL, "too_many_requests")
    assert answered.status_code == 200
    assert len(engine.requests) == 1


async def test_an_open_stream_counts_until_its_client_hangs_up() -> None:
    async with run_server(settings=ONE) as server:
        async with server.client.stream("GET", "/admin/events") as stream:
            lines = stream.aiter_lines()  # kept: dropped, it would hang up soon
            await anext(lines)
            refused = await server.client.get("/v1/models")
        async with asyncio.timeout(30):
            while (answered := await server.client.get("/v1/models")).status_code == 503:
                pass

    assert refused.status_code == 503
    assert answered.status_code == 200


async def test_a_failed_request_no_longer_counts() -> None:
    async with run_server(BusyEngine(), ONE) as server:
        answers = [await server.post("/v1/completions", {"prompt": "x"}) for _ in range(3)]

    codes = [answer.json()["error"]["code"] for answer in answers]
    assert codes == ["engine_busy"] * 3


async def test_a_busy_daemon_still_answers_health_status_and_stop() -> None:
    engine = BlockingEngine()
    async with run_server(engine, ONE) as server:
        first = asyncio.create_task(server.post("/v1/completions", {"prompt": "x"}))
        await asyncio.wait_for(engine.request_received.wait(), 30)
        answers = [
            await server.client.get("/health"),
            await server.client.get("/admin/status"),
            await server.client.post("/admin/stop"),
        ]
        engine.gate.set()
        await first

    assert [answer.status_code for answer in answers] == [200, 200, 202]
    assert server.stops == ["stop"]


def error_body(path: str, message: str, code: str) -> dict[str, Any]:
    """The body in the shape of the path's dialect."""
    if path.startswith("/v1/messages"):
        return anthropics(message)
    if path == "/infill":
        return {"error": {"code": 503, "message": message, "type": "unavailable_error"}}
    return {"error": message} if path.startswith("/api/") else openais(message, code)
