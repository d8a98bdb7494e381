"""The model of a daemon calls the tools of an MCP server."""

import asyncio
import json
import sys
from typing import Any

from msgspec.structs import replace

from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from tests.daemon.temp_user import ENDS_WITHIN_S, Home, eventually, is_alive
from tests.daemon.test_daemon import build_daemon, run_daemon, wait_until
from tests.lsp.raw_client import RawClient
from tests.tools.mcp.session import SDK_SERVER

REQUEST: dict[str, Any] = {"messages": [{"role": "user", "content": "Add."}], "tools": True}
ADD = {"name": "s_add", "arguments": {"a": 20, "b": 22}}


def call_add_once(prompt: str) -> str:
    """Return one call of the tool if it exists, and then the final answer."""
    if "s_add" not in prompt.partition("</system>")[0]:
        return "There is no such tool."
    call = f"<tool_call>\n{json.dumps(ADD)}\n</tool_call>"
    return "Done." if "<tool_call>" in prompt.partition("</system>")[2] else call


async def chat_until_tool_exists(client: RawClient) -> Any:
    """Repeat the chat until the tool exists: its server may still be starting."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.request("copilotd/chat", REQUEST)
            if answer["content"] != "There is no such tool.":
                return answer


async def test_a_chat_calls_a_tool_and_its_server_ends_with_the_daemon(home: Home) -> None:
    pid_file = home.folder / "pids"
    command = [sys.executable, str(SDK_SERVER), str(pid_file), "stubborn"]
    engine = FakeEngine(call_add_once, info=replace(FAKE_MODEL, n_ctx=60_000))
    daemon = build_daemon(home, engine, tools={"mcp": {"s": {"command": command}}})
    async with run_daemon(home, daemon):
        assert not pid_file.exists()
        client = await RawClient.connect(daemon.status().socket)
        client.replies = {"copilotd/approve": {"decision": "once"}}
        await client.initialize()
        answer = await chat_until_tool_exists(client)
        [pid] = map(int, pid_file.read_text().split())
        assert is_alive(pid)
        async with asyncio.timeout(ENDS_WITHIN_S):
            daemon.stop()
            await client.wait_until_closed()

    assert [m["content"] for m in answer["messages"] if m["role"] == "tool"] == ["42"]
    assert eventually(lambda: not is_alive(pid))


async def test_a_server_added_to_the_settings_is_started_without_a_restart(
    home: Home,
) -> None:
    home.write_settings("")
    pid_file = home.folder / "pids"
    engine = FakeEngine(call_add_once, info=replace(FAKE_MODEL, n_ctx=60_000))
    daemon = build_daemon(home, engine)
    async with run_daemon(home, daemon):
        client = await RawClient.connect(daemon.status().socket)
        client.replies = {"copilotd/approve": {"decision": "once"}}
        await client.initialize()
        first = await client.request("copilotd/chat", REQUEST)
        command = [sys.executable, str(SDK_SERVER), str(pid_file)]
        home.write_settings(f"[tools.mcp.s]\ncommand = {json.dumps(command)}\n")
        answer = await chat_until_tool_exists(client)
        home.write_settings("")
        [pid] = map(int, pid_file.read_text().split())
        await wait_until(lambda: not is_alive(pid))
        await client.shut_down()

    assert first["content"] == "There is no such tool."
    assert [m["content"] for m in answer["messages"] if m["role"] == "tool"] == ["42"]
