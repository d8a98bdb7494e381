import asyncio
import json
import logging

import pytest

from tests.lsp.conftest import Connect, FakeDaemon
from tests.lsp.raw_client import INLINE, WITHIN_S, RawClient, at, edit


async def test_two_clients_work_at_once_and_one_leaving_does_not_touch_the_other(
    connect: Connect, daemon: FakeDaemon
) -> None:
    one, two = await connect(), await connect()
    await one.begin("Neovim")
    await two.begin("VS Code")
    assert list(daemon.listener.clients) == ["Neovim", "VS Code"]
    daemon.model.gate.clear()
    daemon.model.text = "1"
    for client in (one, two):
        client.open("x = ")
    _, first = one.ask(INLINE, at(0, 4))
    await daemon.model.prompts.get()
    _, second = two.ask(INLINE, at(0, 4))
    await daemon.model.prompts.get()
    await one.leave()
    daemon.model.gate.set()
    assert (await first)["error"]["code"] == -32800
    items = (await asyncio.wait_for(second, WITHIN_S))["result"]["items"]
    assert [item["insertText"] for item in items] == ["1"]
    assert list(daemon.listener.clients) == ["VS Code"]


async def test_five_clients_with_the_same_file_all_get_their_answer(
    connect: Connect, daemon: FakeDaemon
) -> None:
    clients = [await connect() for _ in range(5)]
    daemon.model.text = "1"
    for client in clients:
        await client.begin()
        client.open("x = ")
    answers = await asyncio.gather(*(client.ghost_text(0, 4) for client in clients))
    assert [[item["insertText"] for item in items] for items in answers] == [["1"]] * 5


async def test_a_client_that_vanishes_frees_its_work_and_its_name(
    client: RawClient, connect: Connect, daemon: FakeDaemon
) -> None:
    await client.begin()
    daemon.model.gate.clear()
    client.open("x = ")
    client.ask(INLINE, at(0, 4))
    await daemon.model.prompts.get()
    await client.vanish()
    assert await asyncio.wait_for(daemon.model.ended.get(), WITHIN_S) == "cut off"
    other = await connect()
    await other.begin("next")
    assert list(daemon.listener.clients) == ["next"]


async def test_exit_without_shutdown_ends_that_connection_only(
    client: RawClient, connect: Connect, daemon: FakeDaemon
) -> None:
    other = await connect()
    await other.begin("other")
    await client.begin()
    client.notify("exit", None)
    await client.closed()
    assert await other.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert list(daemon.listener.clients) == ["other"]


async def test_a_connection_that_says_nothing_is_no_client(
    client: RawClient, daemon: FakeDaemon
) -> None:
    assert list(daemon.listener.clients) == []
    await client.begin("Helix")
    assert list(daemon.listener.clients) == ["Helix"]


async def test_a_request_before_initialize_is_refused(client: RawClient) -> None:
    client.open("x = ")
    error = await client.fails(INLINE, at(0, 4))
    assert error["code"] == -32002
    await client.begin()
    assert await client.ghost_text(0, 4) == []


async def test_a_request_after_shutdown_is_refused(client: RawClient) -> None:
    await client.begin()
    await client.request("shutdown", None)
    assert (await client.fails(INLINE, at(0, 4)))["code"] == -32600
    client.notify("exit", None)
    await client.closed()


async def test_a_request_that_cannot_be_read_is_answered(client: RawClient) -> None:
    await client.begin()
    assert (await client.fails(INLINE, {"position": "here"}))["code"] == -32602
    assert (await client.fails("textDocument/nonsense", {}))["code"] == -32601
    client.open("x = ")
    assert await client.ghost_text(0, 4) == []


async def test_neither_code_nor_parameters_reach_the_log(
    client: RawClient, daemon: FakeDaemon, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await client.begin()
    daemon.model.text = "SECRET_TEXT"
    client.open("SECRET_CODE = ")
    await client.ghost_text(0, 14)
    await client.fails(INLINE, {"position": "SECRET_CODE"})
    await client.leave()
    assert "SECRET" not in caplog.text


async def test_an_http_request_is_hung_up_on(daemon: FakeDaemon) -> None:
    reader, writer = await asyncio.open_unix_connection(daemon.socket)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shutdown"}).encode()
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    writer.write(head + body)
    assert await asyncio.wait_for(reader.read(), WITHIN_S) == b""
    writer.close()


async def test_closing_the_front_hangs_up_on_every_client(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.begin()
    daemon.model.gate.clear()
    client.open("x = ")
    client.ask(INLINE, at(0, 4))
    await daemon.model.prompts.get()
    await daemon.listener.close()
    await client.closed()
    assert await asyncio.wait_for(daemon.model.ended.get(), 30) == "cut off"
    assert list(daemon.listener.clients) == []


async def test_opening_a_file_has_its_beginning_read_in_the_next_pause(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.begin()
    client.open("import os\n" * 12)
    prompt = await asyncio.wait_for(daemon.model.prompts.get(), 30)
    assert prompt == "<PRE>" + "import os\n" * 12


async def test_typing_elsewhere_ends_what_is_being_written(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.begin()
    daemon.model.gate.clear()
    client.open("x = ")
    client.ask(INLINE, at(0, 4))
    await daemon.model.prompts.get()
    client.change(edit((0, 0), (0, 1), "y"))
    assert await asyncio.wait_for(daemon.model.ended.get(), 30) == "cut off"
