"""The access token: which requests need it, how they send it, and that it stays secret."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from copilotd.access_token import AccessToken
from copilotd.config import ServerSection
from copilotd.errors import StartFailed
from copilotd.http.middleware.access_token import TokenMiddleware
from copilotd.http.server import HttpServer
from copilotd.http.shared.errors import ErrorResponses
from tests.http.http_server import RunningServer, run_server

MESSAGE = (
    "This daemon requires its access token; `copilotd token` prints it. "
    "Send it as the API key, or as Authorization: Bearer."
)
OPENAIS = {
    "error": {
        "message": MESSAGE,
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
}
REFUSALS: dict[str, Any] = {
    "/v1/models": OPENAIS,
    "/v1/engines/any/completions": OPENAIS,
    "/infill": {"error": {"code": 401, "message": MESSAGE, "type": "authentication_error"}},
    "/admin/status": OPENAIS,
    "/docs": OPENAIS,
    "/openapi.json": OPENAIS,
    "/nowhere": OPENAIS,
    "//health": OPENAIS,
    "http://localhost/health": OPENAIS,
    "/v1/messages": {
        "type": "error",
        "error": {"type": "authentication_error", "message": MESSAGE},
    },
    "/api/tags": {"error": MESSAGE},
}


@pytest.fixture
def token(tmp_path: Path) -> AccessToken:
    access = AccessToken(tmp_path / "token")
    access.ensure()
    return access


@pytest.fixture
async def guarded(token: AccessToken) -> AsyncIterator[RunningServer]:
    """A server that requires the token."""
    async with run_server(token=token) as server:
        yield server


@pytest.mark.parametrize("path", REFUSALS)
async def test_a_request_without_the_token_gets_401_in_the_shape_of_its_dialect(
    guarded: RunningServer, path: str
) -> None:
    response = await guarded.client.get("/", extensions={"target": path.encode()})

    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.json() == REFUSALS[path]


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "api-key"])
async def test_the_token_is_accepted_in_the_headers_of_api_keys(
    guarded: RunningServer, token: AccessToken, name: str
) -> None:
    value = token.read()
    credentials = f"Bearer {value}" if name == "authorization" else value
    response = await guarded.client.get("/v1/models", headers={name: credentials})

    assert response.status_code == 200


@pytest.mark.parametrize(
    "credentials",
    ["", "Bearer", "Basic {0}", "{0}", "Bearer {0}x", "Bearer x{0}", "Bearer gho_123"],
)
async def test_anything_but_the_token_is_refused(
    guarded: RunningServer, token: AccessToken, credentials: str
) -> None:
    headers = {"authorization": credentials.format(token.read())}
    response = await guarded.post("/v1/completions", {"prompt": "x"}, **headers)

    assert response.status_code == 401
    assert guarded.engine.requests == []


async def test_the_token_is_accepted_beside_another_key(
    guarded: RunningServer, token: AccessToken
) -> None:
    headers = {"authorization": "Bearer gho_123", "x-api-key": token.read()}
    response = await guarded.client.get("/v1/models", headers=headers)

    assert response.status_code == 200


async def test_the_token_in_the_url_is_not_accepted(
    guarded: RunningServer, token: AccessToken
) -> None:
    response = await guarded.client.get(f"/v1/models?api-key={token.read()}&key={token.read()}")

    assert response.status_code == 401


async def test_a_new_token_replaces_the_old_one_at_once(
    guarded: RunningServer, token: AccessToken
) -> None:
    old, new = token.read(), token.renew()
    keys = [{"x-api-key": key} for key in (old, new)]
    answers = [await guarded.client.get("/v1/models", headers=key) for key in keys]

    assert [answer.status_code for answer in answers] == [401, 200]


async def test_without_the_token_file_every_request_is_refused(token: AccessToken) -> None:
    token.file.unlink()
    for credentials in ([], [(b"x-api-key", b"")], [(b"authorization", b"Bearer ")]):
        sent, _ = await call_middleware("http", credentials, token)

        assert sent[0]["status"] == 401


async def test_health_without_the_token_says_only_that_the_daemon_runs(
    guarded: RunningServer, token: AccessToken
) -> None:
    stranger = await guarded.client.get("/health")
    friend = await guarded.client.get("/health", headers={"x-api-key": token.read()})
    writer = await guarded.client.post("/health")

    assert (stranger.status_code, stranger.json()) == (200, {"status": "ok"})
    assert friend.json()["phase"] == "ready"
    assert writer.status_code == 401


async def test_the_preflight_of_an_allowed_page_needs_no_token(token: AccessToken) -> None:
    origin = {"origin": "https://app.example"}
    preflight_headers = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    settings = ServerSection(port=0, allowed_origins=["https://app.example"])
    async with run_server(settings=settings, token=token) as server:
        preflight = await server.client.options("/v1/models", headers=origin | preflight_headers)
        refused = await server.client.get("/v1/models", headers=origin)
        credentials = {"authorization": f"Bearer {token.read()}"}
        allowed = await server.client.get("/v1/models", headers=origin | credentials)
        options = await server.client.options("/v1/models", headers=origin)

    assert preflight.headers["access-control-allow-headers"] == "authorization"
    statuses = [r.status_code for r in (preflight, refused, allowed, options)]
    assert statuses == [200, 401, 200, 401]
    assert refused.headers["access-control-allow-origin"] == "https://app.example"


async def test_a_page_that_is_not_allowed_is_refused_with_the_token_too(
    guarded: RunningServer, token: AccessToken
) -> None:
    headers = {"origin": "https://evil.example", "x-api-key": token.read()}
    response = await guarded.client.get("/v1/models", headers=headers)

    assert response.status_code == 403


async def test_any_key_is_accepted_if_no_token_is_required(paris: RunningServer) -> None:
    headers = {"authorization": "Bearer gho_123", "x-api-key": "sk-ant"}
    response = await paris.client.get("/v1/models", headers=headers)

    assert response.status_code == 200


@pytest.mark.parametrize("is_required", [True, False], ids=["token", "no token"])
async def test_no_credential_reaches_the_application(token: AccessToken, is_required: bool) -> None:
    secrets = [
        (b"authorization", b"Bearer t"),
        (b"cookie", b"c"),
        (b"proxy-authorization", b"p"),
        (b"x-api-key", token.read().encode()),
        (b"api-key", b"k"),
    ]

    _, passed_headers = await call_middleware(
        "http", [*secrets, (b"x", b"y")], token if is_required else None
    )

    assert passed_headers == [(b"x", b"y")]


async def test_a_websocket_without_the_token_is_closed_before_it_opens(
    token: AccessToken,
) -> None:
    sent, passed_headers = await call_middleware("websocket", [(b"x-api-key", b"wrong")], token)

    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "invalid_api_key"}]
    assert passed_headers == []


async def test_neither_the_token_nor_a_wrong_key_is_logged(
    guarded: RunningServer, token: AccessToken, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for key in (token.read(), "gho_secret"):
        for body in ({"prompt": "x"}, {"prompt": "x", "stream": True}, {"prompt": 1}):
            await guarded.post("/v1/completions", body, **{"x-api-key": key})

    assert token.read() not in caplog.text
    assert "gho_secret" not in caplog.text


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.168.1.7", "box.lan", "::ffff:127.0.0.1"]
)
async def test_a_server_that_the_network_reaches_does_not_start_with_the_token_off(
    host: str,
) -> None:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nobody calls this application")

    with pytest.raises(StartFailed) as caught:
        await HttpServer(nothing, ServerSection(host=host, port=0, require_token="off")).start()

    assert caught.value.message == (
        f"server.host is {host}, where anybody on your network could use the model, "
        "and server.require_token is off"
    )
    assert "off-everywhere" in caught.value.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
async def test_a_server_without_token_starts_on_loopback_or_with_off_everywhere(host: str) -> None:
    switch: Any = "off-everywhere" if host == "0.0.0.0" else "off"
    settings = ServerSection(host=host, port=0, require_token=switch)
    async with run_server(settings=settings) as server:
        response = await server.client.get("/v1/models")

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("host", "switch", "needed"),
    [
        ("127.0.0.1", "auto", False),
        ("127.8.9.1", "auto", False),
        ("localhost", "auto", False),
        ("::1", "auto", False),
        ("0.0.0.0", "auto", True),
        ("::", "auto", True),
        ("", "auto", True),
        ("192.168.1.7", "auto", True),
        ("box.lan", "auto", True),
        ("localhost.evil.example", "auto", True),
        ("127.0.0.1", "on", True),
        ("0.0.0.0", "on", True),
        ("127.0.0.1", "off", False),
        ("0.0.0.0", "off-everywhere", False),
    ],
)
def test_the_token_is_required_beyond_loopback_unless_the_settings_say_otherwise(
    host: str, switch: Any, needed: bool
) -> None:
    assert ServerSection(host=host, require_token=switch).needs_token is needed


async def call_middleware(
    kind: str, headers: list[tuple[bytes, bytes]], token: AccessToken | None
) -> tuple[list[Message], list[Any]]:
    """The messages that are sent, and the headers that the application gets."""
    sent: list[Message] = []
    passed_headers: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed_headers.extend(scope["headers"])

    async def receive() -> Message:
        raise AssertionError("the middleware reads no body")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": kind, "path": "/v1/models", "method": "GET", "headers": headers}
    await TokenMiddleware(app, token, ErrorResponses(()))(scope, receive, send)
    return sent, passed_headers
