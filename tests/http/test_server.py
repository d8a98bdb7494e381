import asyncio
import logging
import os
import signal
import socket
import stat
from pathlib import Path

import httpx2
import psutil
import pytest
from starlette.types import Receive, Scope, Send

from copilotd.config import ServerSection
from copilotd.engine.types import Chunk
from copilotd.errors import PortInUse, StartFailed
from copilotd.http.server import HttpServer
from tests.http.fake_engines import EndlessEngine, HeldEngine, PlayedEngine
from tests.http.http_server import serving

unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs unix sockets")


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("nobody calls this application")


async def test_port_0_takes_a_free_port_and_says_which() -> None:
    async with serving() as first, serving() as second:
        ports = {first.port, second.port}
        answers = [(await s.client.get("/health")).status_code for s in (first, second)]

    assert first.url == f"http://127.0.0.1:{first.port}"
    assert len(ports) == 2
    assert 0 not in ports
    assert answers == [200, 200]


@pytest.mark.parametrize(
    ("host", "reachable"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")],
)
async def test_the_url_is_one_that_this_machine_can_reach(host: str, reachable: str) -> None:
    async with serving(settings=ServerSection(host=host, port=0)) as served:
        response = await served.client.get("/health")

    assert served.url.startswith(f"http://{reachable}:")
    assert response.status_code == 200


async def test_a_port_in_use_is_refused_with_who_holds_it() -> None:
    async with serving() as served:
        second = HttpServer(nothing, ServerSection(port=served.port))
        with pytest.raises(PortInUse) as caught:
            await second.start()

    name = psutil.Process().name()
    assert caught.value.message == f"port {served.port} is in use by {name} (pid {os.getpid()})"
    assert caught.value.hint == (
        f"End that program, or choose another port: copilotd start --port {served.port + 1}."
    )


async def test_a_host_that_is_not_ours_is_refused() -> None:
    # 192.0.2.1 is reserved for documentation.
    with pytest.raises(StartFailed) as caught:
        await HttpServer(nothing, ServerSection(host="192.0.2.1", port=0)).start()

    assert caught.value.message.startswith("cannot listen on 192.0.2.1: ")


async def test_a_closed_front_leaves_its_port_free() -> None:
    async with serving() as first:
        pass
    async with serving(settings=ServerSection(port=first.port)) as second:
        assert second.port == first.port


async def test_signals_are_left_to_the_daemon() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with serving() as served:
        await served.client.get("/health")
        during = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    assert during == before


async def test_closing_ends_an_open_stream_and_frees_the_engine() -> None:
    engine = EndlessEngine()
    body = {"prompt": "x", "stream": True}
    async with serving(engine) as served:
        async with served.client.stream("POST", "/v1/completions", json=body) as response:
            lines = response.aiter_lines()
            await anext(lines)
            async with asyncio.timeout(30):
                await served.front.close()
            rest = [line async for line in lines]

    assert "data: [DONE]" not in rest
    assert engine.cancelled == 1


async def test_closing_ends_a_stream_on_which_nothing_happens() -> None:
    async with serving() as served:
        async with served.client.stream("GET", "/admin/events") as response:
            lines = response.aiter_lines()
            await anext(lines)
            async with asyncio.timeout(30):
                await served.front.close()
            rest = [line async for line in lines]

    assert rest == [""]


async def test_closing_answers_requests_that_wait() -> None:
    engine = HeldEngine()
    async with serving(engine) as served:
        waiting = asyncio.create_task(served.post("/v1/completions", {"prompt": "x"}))
        await asyncio.wait_for(engine.request_received.wait(), 30)
        async with asyncio.timeout(30):
            await served.front.close()
        response = await waiting

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "request_given_up"
    assert engine.cancelled == 1


async def test_closing_does_not_wait_for_a_client_that_does_not_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    held = asyncio.Event()
    engine = PlayedEngine(Chunk("x" * 16_000_000), Chunk("y"), held)
    async with serving(engine) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        body = b'{"prompt": "x", "stream": true}'
        writer.write(
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        await asyncio.wait_for(engine.holding.wait(), 30)
        async with asyncio.timeout(30):
            await served.front.close()
        writer.close()

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_closing_twice_is_closing_once() -> None:
    async with serving() as served:
        await served.front.close()
        await served.front.close()
        with pytest.raises(httpx2.ConnectError):
            await served.client.get("/health")


@unix
async def test_the_unix_socket_serves_the_same_and_belongs_to_the_user(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    settings = ServerSection(port=0, unix_socket=str(path))
    async with serving(settings=settings):
        mode = stat.S_IMODE(path.stat().st_mode)
        async with over(path) as client:
            response = await client.get("/v1/models")

    assert response.json()["data"][0]["id"] == "local"
    assert mode == 0o600
    assert not path.exists()


@unix
async def test_a_web_name_is_refused_over_the_unix_socket_too(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    async with serving(settings=ServerSection(port=0, unix_socket=str(path))):
        async with over(path) as client:
            response = await client.get("/health", headers={"host": "evil.example"})

    assert response.status_code == 403


@unix
async def test_a_unix_socket_left_by_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with serving(settings=ServerSection(port=0, unix_socket=str(path))):
        async with over(path) as client:
            response = await client.get("/health")

    assert response.status_code == 200


@unix
async def test_a_unix_socket_in_use_is_refused_and_the_port_given_back(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with socket.socket(socket.AF_INET) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with serving(settings=ServerSection(port=0, unix_socket=str(path))):
        with pytest.raises(PortInUse) as caught:
            settings = ServerSection(port=port, unix_socket=str(path))
            await HttpServer(nothing, settings).start()

    assert caught.value.message == f"another program serves HTTP on {path}"
    async with serving(settings=ServerSection(port=port)) as served:
        assert served.port == port


def over(path: Path) -> httpx2.AsyncClient:
    """A client for a unix socket."""
    transport = httpx2.AsyncHTTPTransport(uds=str(path))
    return httpx2.AsyncClient(base_url="http://localhost", transport=transport)
