"""A daemon whose model calls the tools of an MCP server."""

import asyncio
import json
import sys
from typing import Any

from msgspec.structs import replace

from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from tests.daemon.temp_user import ENDS_WITHIN_S, Home, eventually, is_alive
from tests.daemon.test_daemon import build_daemon, serving, until
from tests.lsp.raw_client import RawClient
from tests.tools.mcp.session import SDK_SERVER

ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Add."}], "tools": True}
ADD = {"name": "s_add", "arguments": {"a": 20, "b": 22}}


def says(prompt: str) -> str:
    """The call once, if the tool is there, and then that it is done."""
    if "s_add" not in prompt.partition("</system>")[0]:
        return "There is no such tool."
    called = f"<tool_call>\n{json.dumps(ADD)}\n</tool_call>"
    return "Done." if "<tool_call>" in prompt.partition("</system>")[2] else called


async def chat(client: RawClient) -> Any:
    """A chat in which every question is answered with yes; servers may still be starting."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.request("copilotd/chat", ASKED)
            if answer["content"] != "There is no such tool.":
                return answer


async def test_a_chat_calls_a_server_which_ends_with_the_daemon(home: Home) -> None:
    born = home.folder / "born"
    command = [sys.executable, str(SDK_SERVER), str(born), "stubborn"]
    engine = FakeEngine(says, info=replace(FAKE_MODEL, n_ctx=60_000))
    daemon = build_daemon(home, engine, tools={"mcp": {"s": {"command": command}}})
    async with serving(home, daemon):
        assert not born.exists()
        client = await RawClient.connect(daemon.status().socket)
        client.replies = {"copilotd/approve": {"decision": "once"}}
        await client.initialize()
        answer = await chat(client)
        [pid] = map(int, born.read_text().split())
        assert is_alive(pid)
        async with asyncio.timeout(ENDS_WITHIN_S):
            daemon.stop()
            await client.wait_until_closed()

    assert [m["content"] for m in answer["messages"] if m["role"] == "tool"] == ["42"]
    assert eventually(lambda: not is_alive(pid))


async def test_a_server_that_the_settings_name_later_is_there_without_a_restart(
    home: Home,
) -> None:
    home.settings("")
    born = home.folder / "born"
    engine = FakeEngine(says, info=replace(FAKE_MODEL, n_ctx=60_000))
    daemon = build_daemon(home, engine)
    async with serving(home, daemon):
        client = await RawClient.connect(daemon.status().socket)
        client.replies = {"copilotd/approve": {"decision": "once"}}
        await client.initialize()
        first = await client.request("copilotd/chat", ASKED)
        home.settings(
            f"[tools.mcp.s]\ncommand = {json.dumps([sys.executable, str(SDK_SERVER), str(born)])}\n"
        )
        answer = await chat(client)
        home.settings("")
        [pid] = map(int, born.read_text().split())
        await until(lambda: not is_alive(pid))
        await client.shut_down()

    assert first["content"] == "There is no such tool."
    assert [m["content"] for m in answer["messages"] if m["role"] == "tool"] == ["42"]
