import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from copilotd.engine.types import Chunk, Finished, GenerateRequest
from copilotd.errors import EngineDied
from tests.http.fake_engines import BlockingEngine, EndlessEngine
from tests.http.http_server import RunningServer, run_server

HI = [{"role": "user", "content": "Hi"}]
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "completion": ("/v1/completions", {"prompt": "x"}),
    "streamed completion": ("/v1/completions", {"prompt": "x", "stream": True}),
    "chat": ("/v1/chat/completions", {"messages": HI}),
    "streamed chat": ("/v1/chat/completions", {"messages": HI, "stream": True}),
    "responses": ("/v1/responses", {"input": "Hi"}),
    "streamed responses": ("/v1/responses", {"input": "Hi", "stream": True}),
    "Copilot": ("/v1/engines/any/completions", {"prompt": "x"}),
    "admin": ("/admin/complete", {"path": "a.py", "text": "x = ", "offset": 4}),
}


@pytest.mark.parametrize(("path", "body"), REQUESTS.values(), ids=REQUESTS)
async def test_a_client_that_hangs_up_before_the_first_token_frees_the_engine(
    path: str, body: dict[str, Any]
) -> None:
    engine = BlockingEngine()
    async with run_server(engine) as server:
        _, writer = await send_request(server, path, body)
        await wait_for(engine.request_received.wait())
        writer.close()
        await wait_for(engine.ended.wait())

    assert engine.cancelled == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": "x", "stream": True, "max_tokens": -1}),
        ("/v1/chat/completions", {"messages": HI, "stream": True}),
        ("/v1/responses", {"input": "Hi", "stream": True}),
        ("/v1/engines/any/completions", {"prompt": "x", "max_tokens": 4000}),
    ],
    ids=["completion", "chat", "responses", "Copilot"],
)
async def test_a_client_that_hangs_up_in_the_middle_of_a_stream_frees_the_engine(
    path: str, body: dict[str, Any]
) -> None:
    engine = EndlessEngine()
    async with run_server(engine) as server:
        reader, writer = await send_request(server, path, body)
        await wait_for(reader.readuntil(b"data: "))
        writer.close()
        await wait_for(engine.ended.wait())

    assert engine.cancelled == 1


async def test_a_client_that_hangs_up_cancels_every_choice() -> None:
    engine = BlockingEngine()
    async with run_server(engine) as server:
        _, writer = await send_request(server, "/v1/completions", {"prompt": "x", "n": 3})
        await wait_for(engine.request_received.wait())
        writer.close()
        await wait_for(engine.ended.wait())

    assert engine.cancelled == 3


async def test_a_failing_choice_cancels_the_others() -> None:
    engine = FirstFails()
    async with run_server(engine) as server:
        response = await server.post("/v1/completions", {"prompt": "x", "n": 3})

    assert response.status_code == 503
    # The failed generation counts as cancelled too.
    assert engine.cancelled == 3


async def test_a_finished_request_is_not_cancelled(paris: RunningServer) -> None:
    await paris.post("/v1/completions", {"prompt": "x", "stream": True})
    await paris.post("/v1/completions", {"prompt": "x"})

    assert len(paris.engine.requests) == 2
    assert paris.engine.cancelled == 0


class FirstFails(BlockingEngine):
    """The first generation fails once three run; the others wait."""

    async def _stream(
        self, request: GenerateRequest, answer: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        if len(self.requests) == 3:
            self.gate.set()
        if request is self.requests[0]:
            await self.gate.wait()
            raise EngineDied("the worker ended")
        await asyncio.Event().wait()
        yield Chunk("never")


async def send_request(
    server: RunningServer, path: str, body: dict[str, Any]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A raw connection on which the request has been sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content)
    await writer.drain()
    return reader, writer


async def wait_for(event: Any) -> None:
    """Wait for something that happens within seconds."""
    await asyncio.wait_for(event, 30)
