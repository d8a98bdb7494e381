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
from tests.http.fake_engines import BlockingEngine, EndlessEngine, ScriptedEngine
from tests.http.http_server import run_server

unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs unix sockets")


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("nobody calls this application")


async def test_port_0_takes_a_free_port_and_the_url_names_it() -> None:
    async with run_server() as first, run_server() as second:
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
    async with run_server(settings=ServerSection(host=host, port=0)) as server:
        response = await server.client.get("/health")

    assert server.url.startswith(f"http://{reachable}:")
    assert response.status_code == 200


async def test_a_port_in_use_is_an_error_that_names_the_program() -> None:
    async with run_server() as server:
        second = HttpServer(nothing, ServerSection(port=server.port))
        with pytest.raises(PortInUse) as caught:
            await second.start()

    name = psutil.Process().name()
    assert caught.value.message == f"port {server.port} is in use by {name} (pid {os.getpid()})"
    assert caught.value.hint == (
        f"End that program, or choose another port: copilotd start --port {server.port + 1}."
    )


async def test_a_host_of_another_machine_is_an_error() -> None:
    # 192.0.2.1 is reserved for documentation.
    with pytest.raises(StartFailed) as caught:
        await HttpServer(nothing, ServerSection(host="192.0.2.1", port=0)).start()

    assert caught.value.message.startswith("cannot listen on 192.0.2.1: ")


async def test_a_closed_server_frees_its_port() -> None:
    async with run_server() as first:
        pass
    async with run_server(settings=ServerSection(port=first.port)) as second:
        assert second.port == first.port


async def test_signals_are_left_to_the_daemon() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with run_server() as server:
        await server.client.get("/health")
        during = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    assert during == before


async def test_closing_ends_an_open_stream_and_frees_the_engine() -> None:
    engine = EndlessEngine()
    body = {"prompt": "x", "stream": True}
    async with run_server(engine) as server:
        async with server.client.stream("POST", "/v1/completions", json=body) as response:
            lines = response.aiter_lines()
            await anext(lines)
            async with asyncio.timeout(30):
                await server.server.close()
            rest = [line async for line in lines]

    assert "data: [DONE]" not in rest
    assert engine.cancelled == 1


async def test_closing_ends_an_idle_stream() -> None:
    async with run_server() as server:
        async with server.client.stream("GET", "/admin/events") as response:
            lines = response.aiter_lines()
            await anext(lines)
            async with asyncio.timeout(30):
                await server.server.close()
            rest = [line async for line in lines]

    assert rest == [""]


async def test_closing_answers_waiting_requests() -> None:
    engine = BlockingEngine()
    async with run_server(engine) as server:
        waiting = asyncio.create_task(server.post("/v1/completions", {"prompt": "x"}))
        await asyncio.wait_for(engine.request_received.wait(), 30)
        async with asyncio.timeout(30):
            await server.server.close()
        response = await waiting

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "request_given_up"
    assert engine.cancelled == 1


async def test_closing_does_not_wait_for_a_client_that_does_not_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    never_set = asyncio.Event()
    engine = ScriptedEngine(Chunk("x" * 16_000_000), Chunk("y"), never_set)
    async with run_server(engine) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        body = b'{"prompt": "x", "stream": true}'
        writer.write(
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        await asyncio.wait_for(engine.is_waiting.wait(), 30)
        async with asyncio.timeout(30):
            await server.server.close()
        writer.close()

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_second_close_does_nothing() -> None:
    async with run_server() as server:
        await server.server.close()
        await server.server.close()
        with pytest.raises(httpx2.ConnectError):
            await server.client.get("/health")


@unix
async def test_the_unix_socket_serves_the_same_api_to_its_user_only(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    settings = ServerSection(port=0, unix_socket=str(path))
    async with run_server(settings=settings):
        mode = stat.S_IMODE(path.stat().st_mode)
        async with over(path) as client:
            response = await client.get("/v1/models")

    assert response.json()["data"][0]["id"] == "local"
    assert mode == 0o600
    assert not path.exists()


@unix
async def test_a_foreign_host_is_refused_on_the_unix_socket_too(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    async with run_server(settings=ServerSection(port=0, unix_socket=str(path))):
        async with over(path) as client:
            response = await client.get("/health", headers={"host": "evil.example"})

    assert response.status_code == 403


@unix
async def test_the_unix_socket_of_a_crashed_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with run_server(settings=ServerSection(port=0, unix_socket=str(path))):
        async with over(path) as client:
            response = await client.get("/health")

    assert response.status_code == 200


@unix
async def test_a_unix_socket_in_use_is_an_error_and_frees_the_port(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with socket.socket(socket.AF_INET) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with run_server(settings=ServerSection(port=0, unix_socket=str(path))):
        with pytest.raises(PortInUse) as caught:
            settings = ServerSection(port=port, unix_socket=str(path))
            await HttpServer(nothing, settings).start()

    assert caught.value.message == f"another program serves HTTP on {path}"
    async with run_server(settings=ServerSection(port=port)) as server:
        assert server.port == port


def over(path: Path) -> httpx2.AsyncClient:
    """A client for a unix socket."""
    transport = httpx2.AsyncHTTPTransport(uds=str(path))
    return httpx2.AsyncClient(base_url="http://localhost", transport=transport)
