import asyncio
import json
import logging
from typing import Any

import pytest

from tests.lsp.conftest import Connect, FakeDaemon
from tests.lsp.raw_client import INLINE, TIMEOUT_S, RawClient, completion_params, content_change


async def test_a_client_that_leaves_does_not_affect_another(
    connect: Connect, daemon: FakeDaemon
) -> None:
    one, two = await connect(), await connect()
    await one.initialize("Neovim")
    await two.initialize("VS Code")
    assert list(daemon.listener.clients) == ["Neovim", "VS Code"]
    daemon.model.gate.clear()
    daemon.model.text = "1"
    for client in (one, two):
        client.open_file("x = ")
    _, first = one.send_request(INLINE, completion_params(0, 4))
    await daemon.model.prompts.get()
    _, second = two.send_request(INLINE, completion_params(0, 4))
    await daemon.model.prompts.get()
    await one.shut_down()
    daemon.model.gate.set()
    assert (await first)["error"]["code"] == -32800
    items = (await asyncio.wait_for(second, TIMEOUT_S))["result"]["items"]
    assert [item["insertText"] for item in items] == ["1"]
    assert list(daemon.listener.clients) == ["VS Code"]


async def test_five_clients_with_the_same_file_all_get_an_answer(
    connect: Connect, daemon: FakeDaemon
) -> None:
    clients = [await connect() for _ in range(5)]
    daemon.model.text = "1"
    for client in clients:
        await client.initialize()
        client.open_file("x = ")
    answers = await asyncio.gather(*(client.request_ghost_text(0, 4) for client in clients))
    assert [[item["insertText"] for item in items] for items in answers] == [["1"]] * 5


async def test_a_client_that_disconnects_is_cancelled_and_forgotten(
    client: RawClient, connect: Connect, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.gate.clear()
    client.open_file("x = ")
    client.send_request(INLINE, completion_params(0, 4))
    await daemon.model.prompts.get()
    await client.disconnect()
    assert await asyncio.wait_for(daemon.model.ended.get(), TIMEOUT_S) == "cut off"
    other = await connect()
    await other.initialize("next")
    assert list(daemon.listener.clients) == ["next"]


async def test_exit_without_shutdown_ends_only_that_connection(
    client: RawClient, connect: Connect, daemon: FakeDaemon
) -> None:
    other = await connect()
    await other.initialize("other")
    await client.initialize()
    client.notify("exit", None)
    await client.wait_until_closed()
    assert await other.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert list(daemon.listener.clients) == ["other"]


async def test_a_connection_counts_as_a_client_only_after_initialize(
    client: RawClient, daemon: FakeDaemon
) -> None:
    assert list(daemon.listener.clients) == []
    await client.initialize("Helix")
    assert list(daemon.listener.clients) == ["Helix"]


async def test_a_request_before_initialize_is_refused(client: RawClient) -> None:
    client.open_file("x = ")
    error = await client.request_error(INLINE, completion_params(0, 4))
    assert error["code"] == -32002
    await client.initialize()
    assert await client.request_ghost_text(0, 4) == []


async def test_a_request_after_shutdown_is_refused(client: RawClient) -> None:
    await client.initialize()
    await client.request("shutdown", None)
    assert (await client.request_error(INLINE, completion_params(0, 4)))["code"] == -32600
    client.notify("exit", None)
    await client.wait_until_closed()


async def test_a_malformed_request_gets_an_error_response(client: RawClient) -> None:
    await client.initialize()
    assert (await client.request_error(INLINE, {"position": "here"}))["code"] == -32602
    assert (await client.request_error("textDocument/nonsense", {}))["code"] == -32601
    client.open_file("x = ")
    assert await client.request_ghost_text(0, 4) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"jsonrpc": "2.0", "id": 1, "method": ', -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b'{"id": 1}', -32600),
    ],
)
async def test_a_message_that_is_no_json_rpc_gets_an_error(
    client: RawClient, body: bytes, code: int
) -> None:
    await client.initialize()
    client.send_body(body)
    error = await asyncio.wait_for(client.errors.get(), TIMEOUT_S)
    assert error["code"] == code
    client.open_file("x = ")
    assert await client.request_ghost_text(0, 4) == []


@pytest.mark.parametrize(
    "change",
    [{}, {"text": 1}, {"text": "x", "range": {"start": {"line": 0, "character": 0}}}, "x"],
)
async def test_no_file_is_followed_after_a_change_that_is_none(
    client: RawClient, daemon: FakeDaemon, change: Any
) -> None:
    await client.initialize()
    daemon.model.text = "1"
    client.open_file("x = ")
    client.change_file(change)
    assert await client.request_ghost_text(0, 4) == []
    client.open_file("x = ")
    assert len(await client.request_ghost_text(0, 4)) == 1


async def test_half_of_a_surrogate_pair_in_a_change_becomes_the_replacement_character(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    client.open_file("x = ")
    client.change_file({"text": 'x = "\ud83d" + '})
    await client.request_ghost_text(0, 10)
    assert 'x = "\ufffd" + ' in await daemon.model.prompts.get()


async def test_a_request_that_is_too_long_is_refused_with_the_limit(
    client: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copilotd.lsp.framing.MAX_BYTES", 10_000)
    monkeypatch.setattr("copilotd.lsp.protocol.MAX_BYTES", 10_000)
    await client.initialize()
    error = await client.request_error("copilotd/chat", {"text": "x" * 20_000})
    assert error["code"] == -32600
    assert error["message"].startswith("a message has at most 10,000 bytes; this one has 20,")
    client.open_file("x = ")
    assert await client.request_ghost_text(0, 4) == []


@pytest.mark.parametrize("is_whole_message", [False, True])
async def test_a_file_that_is_too_large_is_named_once_and_gets_no_ghost_text(
    client: RawClient, monkeypatch: pytest.MonkeyPatch, is_whole_message: bool
) -> None:
    if is_whole_message:
        monkeypatch.setattr("copilotd.lsp.framing.MAX_BYTES", 10_000)
    else:
        monkeypatch.setattr("copilotd.lsp.documents.MAX_CHARACTERS", 10_000)
    await client.initialize()
    for _ in range(2):
        client.open_file("x = 1\n" * 3_000)
        assert await client.request_ghost_text(0, 4) == []
    messages = await client.wait_for_messages("window/showMessage", 1)
    assert [message["message"] for message in messages] == [
        "copilotd: a.py is too large for suggestions; the limit is 2,000,000 characters"
    ]
    client.open_file("x = ", uri="file:///w/small.py")
    assert await client.request_ghost_text(0, 4, uri="file:///w/small.py") == []
    assert len([m for m in client.received if m["method"] == "window/showMessage"]) == 1


async def test_an_editor_that_does_not_read_its_answers_is_disconnected(
    client: RawClient, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copilotd.lsp.connection.MAX_UNREAD_BYTES", 100_000)
    await client.initialize()
    client.stop_reading()
    async with asyncio.timeout(TIMEOUT_S):
        while daemon.listener.clients:
            client.send_request("textDocument/nonsense", {"text": "x" * 1000})
            await asyncio.sleep(0)
    client.is_closed = True


async def test_neither_code_nor_parameters_reach_the_log(
    client: RawClient, daemon: FakeDaemon, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await client.initialize()
    daemon.model.text = "SECRET_TEXT"
    client.open_file("SECRET_CODE = ")
    await client.request_ghost_text(0, 14)
    await client.request_error(INLINE, {"position": "SECRET_CODE"})
    await client.shut_down()
    assert "SECRET" not in caplog.text


async def test_an_http_request_closes_its_connection(daemon: FakeDaemon) -> None:
    reader, writer = await asyncio.open_unix_connection(daemon.socket)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shutdown"}).encode()
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    writer.write(head + body)
    assert await asyncio.wait_for(reader.read(), TIMEOUT_S) == b""
    writer.close()


async def test_closing_the_listener_disconnects_every_client(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.gate.clear()
    client.open_file("x = ")
    client.send_request(INLINE, completion_params(0, 4))
    await daemon.model.prompts.get()
    await daemon.listener.close()
    await client.wait_until_closed()
    assert await asyncio.wait_for(daemon.model.ended.get(), 30) == "cut off"
    assert list(daemon.listener.clients) == []


async def test_opening_a_file_evaluates_its_beginning_in_the_next_pause(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    client.open_file("import os\n" * 12)
    prompt = await asyncio.wait_for(daemon.model.prompts.get(), 30)
    assert prompt == "<PRE>" + "import os\n" * 12


async def test_typing_elsewhere_cancels_the_generation(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.gate.clear()
    client.open_file("x = ")
    client.send_request(INLINE, completion_params(0, 4))
    await daemon.model.prompts.get()
    client.change_file(content_change((0, 0), (0, 1), "y"))
    assert await asyncio.wait_for(daemon.model.ended.get(), 30) == "cut off"
