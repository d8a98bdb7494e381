import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from copilotd.config import ServerSection
from copilotd.http.middleware.host_and_origin import HostOriginMiddleware
from copilotd.http.shared.errors import ErrorResponses
from tests.http.http_server import RunningServer, run_server

PATHS = [
    "/v1/models",
    "/v1/completions",
    "/health",
    "/docs",
    "/docs/swagger-ui.css",
    "/openapi.json",
    "/admin/status",
    "/nowhere",
]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:80",
        "localhost:8000",
        "127.0.0.1",
        "127.0.0.1:1234",
        "127.8.9.1",
        "[::1]",
        "[::1]:8000",
    ],
)
async def test_loopback_names_are_accepted_with_any_port(paris: RunningServer, host: str) -> None:
    response = await paris.client.get("/health", headers={"host": host})

    assert response.status_code == 200


async def test_a_name_that_resolves_to_loopback_is_refused_on_every_path(
    paris: RunningServer,
) -> None:
    responses = [await paris.client.get(p, headers={"host": "evil.example"}) for p in PATHS]

    assert [response.status_code for response in responses] == [403] * len(PATHS)
    assert responses[0].json() == {
        "error": {
            "message": "The Host header 'evil.example' is not allowed here; add it to "
            "server.allowed_hosts if it is yours.",
            "type": "invalid_request_error",
            "param": None,
            "code": "host_not_allowed",
        }
    }


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example:8000",
        "localhost:80@evil.example",
        "localhost@evil.example",
        "[evil.example]",
        "192.168.1.7",
        "0.0.0.0",
        "[::]",
        "[fe80::1]",
        "2130706433",
        "localhost.",
        "127.0.0.1.",
        "localhost:",
        "localhost:80:80",
        "localhost:80#@evil.example",
        "localhost,evil.example",
        "localhost evil.example",
        "[::1",
        "[::1]evil.example",
        "[::1%lo]",
        "[::ffff:192.168.1.7]",
        "0x7f.1",
        "127.1",
        "localhost:port",
        ":8000",
        "",
    ],
)
async def test_a_host_that_only_looks_like_loopback_is_refused(
    paris: RunningServer, host: str
) -> None:
    response = await paris.client.get("/health", headers={"host": host})

    assert response.status_code == 403


async def test_the_settings_can_allow_further_hosts() -> None:
    settings = ServerSection(port=0, allowed_hosts=["Box.lan"])
    async with run_server(settings=settings) as server:
        ours = await server.client.get("/health", headers={"host": "box.LAN:8000"})
        other = await server.client.get("/health", headers={"host": "evil.example"})

    assert (ours.status_code, other.status_code) == (200, 403)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost:3000",
        "null",
        "",
        "http://127.0.0.1.evil.example",
        "file://",
    ],
)
async def test_a_web_page_is_refused_on_every_path(paris: RunningServer, origin: str) -> None:
    responses = [await paris.client.get(path, headers={"origin": origin}) for path in PATHS]

    assert [response.status_code for response in responses] == [403] * len(PATHS)
    assert responses[0].json() == {
        "error": {
            "message": f"Web pages from '{origin}' may not call copilotd; add the origin to "
            "server.allowed_origins if you want to allow them.",
            "type": "invalid_request_error",
            "param": None,
            "code": "origin_not_allowed",
        }
    }
    assert not [name for r in responses for name in r.headers if name.startswith("access-control")]


async def test_a_web_page_cannot_start_a_generation(paris: RunningServer) -> None:
    response = await paris.post("/v1/completions", {"prompt": "x"}, Origin="https://evil.example")

    assert response.status_code == 403
    assert paris.engine.requests == []


async def test_the_api_page_may_call_the_api(paris: RunningServer) -> None:
    response = await paris.post(
        "/v1/completions", {"prompt": "x"}, Origin=paris.url, **{"Sec-Fetch-Site": "same-origin"}
    )

    assert response.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_request_that_another_site_caused_is_refused(
    paris: RunningServer, site: str
) -> None:
    responses = [await paris.client.get(p, headers={"sec-fetch-site": site}) for p in PATHS]

    codes = [(r.status_code, r.json()["error"]["code"]) for r in responses]
    assert codes == [(403, "cross_site_request")] * len(PATHS)


async def test_a_url_typed_into_the_browser_works(paris: RunningServer) -> None:
    response = await paris.client.get("/docs", headers={"sec-fetch-site": "none"})

    assert response.status_code == 200


PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
}


async def test_a_preflight_without_permission_gets_no_cors_headers(paris: RunningServer) -> None:
    headers = {"origin": "https://app.example", **PREFLIGHT}
    response = await paris.client.options("/v1/completions", headers=headers)

    assert response.status_code == 403
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_a_page_from_an_allowed_origin_may_call_and_read_the_response() -> None:
    origin = "https://app.example"
    settings = ServerSection(port=0, allowed_origins=[origin])
    headers = {"origin": origin, "sec-fetch-site": "cross-site"}
    async with run_server(settings=settings) as server:
        preflight = await server.client.options("/v1/models", headers=headers | PREFLIGHT)
        call = await server.client.get("/v1/models", headers=headers)
        stranger = await server.client.get("/v1/models", headers={"origin": "https://b.example"})

    assert (preflight.status_code, call.status_code, stranger.status_code) == (200, 200, 403)
    assert preflight.headers["access-control-allow-origin"] == origin
    assert call.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in call.headers


async def test_without_an_origin_there_are_no_cors_headers(paris: RunningServer) -> None:
    response = await paris.client.get("/v1/models")

    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("hosts", [[], [b"localhost", b"evil.example"]], ids=["none", "two"])
async def test_a_request_must_have_exactly_one_host(hosts: list[bytes]) -> None:
    sent = await call_middleware("http", [(b"host", host) for host in hosts])

    assert sent[0]["status"] == 403


@pytest.mark.parametrize(
    ("header", "value", "reason"),
    [
        (b"host", b"evil.example", "host_not_allowed"),
        (b"origin", b"https://evil.example", "origin_not_allowed"),
        (b"sec-fetch-site", b"cross-site", "cross_site_request"),
    ],
)
async def test_a_websocket_of_a_web_page_is_closed_before_it_opens(
    header: bytes, value: bytes, reason: str
) -> None:
    headers = dict([(b"host", b"localhost"), (header, value)])

    sent = await call_middleware("websocket", list(headers.items()))

    assert sent == [{"type": "websocket.close", "code": 1008, "reason": reason}]


async def test_a_websocket_from_the_api_page_passes() -> None:
    headers = [(b"host", b"localhost:8000"), (b"origin", b"http://localhost:8000")]

    assert await call_middleware("websocket", headers) == [{"type": "passed"}]


async def test_an_upgrade_to_websocket_from_a_web_page_is_refused(paris: RunningServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", paris.port)
    writer.write(
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    line = await asyncio.wait_for(reader.readline(), 30)
    writer.close()

    assert line == b"HTTP/1.1 403 Forbidden\r\n"


OURS = (b"origin", b"http://localhost:8000")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ([OURS, (b"origin", b"https://evil.example")], "origin_not_allowed"),
        ([OURS, OURS], "origin_not_allowed"),
        ([(b"origin", b"https://localhost:8000")], "origin_not_allowed"),
        ([(b"origin", b"http://localhost:8001")], "origin_not_allowed"),
        ([(b"origin", b"http://localhost:8000/")], "origin_not_allowed"),
        ([(b"origin", b"http://x@localhost:8000")], "origin_not_allowed"),
        (
            [(b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site")],
            "cross_site_request",
        ),
        ([(b"sec-fetch-site", b"same-origin, cross-site")], "cross_site_request"),
        ([(b"sec-fetch-site", b"whatever comes")], "cross_site_request"),
        ([OURS, (b"sec-fetch-site", b"same-site")], "cross_site_request"),
    ],
)
async def test_an_origin_that_only_looks_like_the_api_page_is_refused(
    more: list[tuple[bytes, bytes]], code: str
) -> None:
    sent = await call_middleware("http", [(b"host", b"localhost:8000"), *more])

    assert sent[0]["status"] == 403
    assert json.loads(sent[1]["body"])["error"]["code"] == code


async def test_an_empty_sec_fetch_site_is_refused(paris: RunningServer) -> None:
    """No browser sends an empty value, so it is refused like any unknown one."""
    response = await paris.client.get("/health", headers={"sec-fetch-site": ""})

    assert response.status_code == 403


@pytest.mark.parametrize(
    "line",
    [
        b"GET http://evil.example/v1/models HTTP/1.1",
        b"GET http://localhost/v1/models HTTP/1.1",
        b"GET //evil.example/v1/models HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"CONNECT evil.example:443 HTTP/1.1",
    ],
)
async def test_a_request_line_for_a_proxy_reaches_no_route(
    paris: RunningServer, line: bytes
) -> None:
    answer = await raw(paris, line + b"\r\nHost: localhost\r\n")

    assert answer.split(b" ")[1] in (b"404", b"405")
    assert b"location:" not in answer.lower()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\n",
        b"GET /health HTTP/1.0\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        b"GET /health HTTP/1.1\r\nHost : localhost\r\n",
        b"GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n",
    ],
)
async def test_a_request_without_exactly_one_valid_host_is_refused(
    paris: RunningServer, head: bytes
) -> None:
    answer = await raw(paris, head)

    assert answer.split(b" ")[1] in (b"400", b"403")


async def test_a_request_with_ambiguous_length_is_refused(paris: RunningServer) -> None:
    """Two lengths, or a length and chunks, could hide a second request in the body."""
    head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
    two = await raw(paris, head + b"Content-Length: 0\r\nContent-Length: 40\r\n")
    signed = await raw(paris, head + b"Content-Length: +5\r\n")

    assert [answer.split(b" ")[1] for answer in (two, signed)] == [b"400", b"400"]


async def raw(server: RunningServer, head: bytes) -> bytes:
    """The head of the response to a request with this head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head + b"\r\n")
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    writer.close()
    return answer


@pytest.mark.parametrize("reached", ["192.168.1.7", "::ffff:192.168.1.7"])
async def test_a_dual_stack_socket_accepts_addresses_of_both_kinds(reached: str) -> None:
    headers = [(b"host", b"192.168.1.7:8000")]

    assert await call_middleware("http", headers, server=(reached, 8000)) == [{"type": "passed"}]


async def test_the_address_of_another_machine_is_refused() -> None:
    server = ("::ffff:192.168.1.7", 8000)
    sent = await call_middleware("http", [(b"host", b"192.168.1.8:8000")], server=server)

    assert sent[0]["status"] == 403


async def test_a_server_on_all_addresses_accepts_the_address_that_the_client_reached() -> None:
    server = ("192.168.1.7", 8000)
    own = await call_middleware("http", [(b"host", b"192.168.1.7:8000")], server=server)
    name = await call_middleware("http", [(b"host", b"evil.example:8000")], server=server)

    assert own == [{"type": "passed"}]
    assert name[0]["status"] == 403


async def call_middleware(
    kind: str,
    headers: list[tuple[bytes, bytes]],
    passed_headers: list[Any] | None = None,
    server: tuple[str, int] = ("127.0.0.1", 8000),
) -> list[Message]:
    """The messages that are sent; `passed_headers` gets the headers that reach the application."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        (passed_headers if passed_headers is not None else []).extend(scope["headers"])
        await send({"type": "passed"})

    async def receive() -> Message:
        raise AssertionError("the middleware reads no body")

    async def send(message: Message) -> None:
        sent.append(message)

    scheme = "ws" if kind == "websocket" else "http"
    scope: Scope = {
        "type": kind,
        "path": "/",
        "scheme": scheme,
        "headers": headers,
        "server": server,
    }
    await HostOriginMiddleware(app, ServerSection(host="0.0.0.0"), ErrorResponses(()))(
        scope, receive, send
    )
    return sent
