"""`copilotd mcp`, called by the client of the official SDK."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from copilotd.cli.commands.mcp import mcp
from copilotd.errors import MissingPackage
from tests.daemon.temp_user import Home


@asynccontextmanager
async def agent(folder: Path, mode: str = "auto") -> AsyncGenerator[Client, None]:
    """A connected agent."""
    arguments = ["-m", "copilotd", "mcp", "--workspace", str(folder)]
    server = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
    async with asyncio.timeout(100), Client(server, mode=mode) as client:
        yield client


async def call(client: Client, name: str, /, **arguments: Any) -> tuple[str, bool]:
    """The text of the result, and whether it is an error."""
    result = await client.call_tool(name, arguments)
    [block] = result.content
    assert isinstance(block, TextContent)
    return block.text, result.is_error


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_can_search_list_and_read_the_workspace(folder: Path, mode: str) -> None:
    async with agent(folder, mode) as client:
        listed = (await client.list_tools()).tools
        results = [
            await call(client, "search", text="CLASS"),
            await call(client, "symbols", name="add", path="sums.py"),
            await call(client, "read_file", path="sums.py", first_line=1, last_line=1),
            await call(client, "list_directory"),
        ]
        info = client.server_info

    assert info is not None and info.name == "copilotd"
    assert [t.name for t in listed] == [
        "search",
        "symbols",
        "read_file",
        "list_directory",
        "complete",
    ]
    assert all(t.annotations and t.annotations.read_only_hint for t in listed)
    assert listed[2].input_schema["required"] == ["path"]
    assert results == [
        ("sums.py:5: class Sum:", False),
        ("sums.py:1: def add(a, b):", False),
        ("sums.py, lines 1 to 1 of 6:\ndef add(a, b):", False),
        ("hole.py\nsums.py", False),
    ]


async def test_an_agent_cannot_see_files_that_are_outside_or_secret(
    home: Home, folder: Path
) -> None:
    async with agent(folder) as client:
        results = [
            await call(client, tool, path=path, **more)
            for path in ("../secret.txt", str(home.folder / "secret.txt"), "out.txt", ".env")
            for tool, more in (
                ("read_file", {}),
                ("search", {"text": "secret"}),
                ("complete", {"line": 1}),
            )
        ]
        found = await call(client, "search", text="the secret")
        unknown = await call(client, "apply_edit", path="sums.py", old_text="", new_text="x")

    assert all(is_error and "the secret" not in text for text, is_error in results)
    assert {text.partition(" ")[2] for text, _ in results} == {
        "is outside the workspace. Use paths relative to its folder.",
        "may hold secrets, so no tool reads or changes it.",
    }
    assert found == ("No file contains 'the secret'.", False)
    assert unknown[1] and unknown[0].startswith("There is no tool apply_edit.")


async def test_complete_asks_the_running_daemon(home: Home, folder: Path) -> None:
    home.launch()
    async with agent(folder) as client:
        results = [
            await call(client, "complete", path="hole.py", line=2, column=12),
            await call(client, "complete", path="hole.py", line=2),
            await call(client, "complete", path="hole.py", line=9),
            await call(client, "complete", path="none.py", line=1),
        ]

    assert results == [
        ("a + b", False),
        ("a + b", False),
        ("hole.py has lines 1 to 3, not 9.", True),
        ("There is no file none.py.", True),
    ]


async def test_without_a_daemon_complete_says_the_next_step(folder: Path) -> None:
    async with agent(folder) as client:
        result = await call(client, "complete", path="hole.py", line=2)

    assert result == ("no daemon runs, so there is no model. Next step: copilotd start", True)


async def test_the_users_permissions_apply_and_calls_are_recorded(home: Home, folder: Path) -> None:
    home.write_settings('[tools]\npermissions = {search = "deny", symbols = "ask"}\n')
    async with agent(folder) as client:
        names = [t.name for t in (await client.list_tools()).tools]
        denied = await call(client, "symbols", name="add")
        await call(client, "read_file", path="sums.py")

    assert names == ["symbols", "read_file", "list_directory", "complete"]
    assert denied[1] and denied[0].startswith("The user does not allow this.")
    lines = [json.loads(line) for line in home.paths.audit.read_text().splitlines()]
    assert [(line["tool"], line["decision"]) for line in lines] == [
        ("symbols", "deny"),
        ("read_file", "allow"),
    ]


def test_standard_output_holds_only_protocol_messages(home: Home, folder: Path) -> None:
    about = {"name": "test", "version": "1"}
    messages: list[dict[str, Any]] = [
        {
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": about},
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "nonsense", "arguments": {}}},
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "copilotd", "mcp", "--workspace", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    for message in messages:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    process.stdin.flush()
    # The end of its input ends it, whatever it is still to answer.
    lines = [process.stdout.readline() for _ in range(2)]
    rest, _ = process.communicate(timeout=60)

    assert (process.returncode, rest) == (0, "")
    assert [(a["jsonrpc"], a.get("id")) for a in map(json.loads, lines)] == [("2.0", 1), ("2.0", 2)]


async def test_sigint_ends_an_idle_server(home: Home) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "copilotd", "mcp"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    async with asyncio.timeout(60):
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert await process.wait() == -signal.SIGINT


def test_a_missing_folder_is_a_usage_error(home: Home) -> None:
    done = home.run("mcp", "--workspace", "/no/such/folder", input="")
    assert (done.returncode, done.stdout) == (2, "")


def test_the_command_fails_if_tools_are_switched_off(home: Home) -> None:
    home.write_settings("[tools]\nenabled = false\n")
    done = home.run("mcp", input="")
    assert (done.returncode, done.stdout) == (1, "")
    assert "copilotd config set tools.enabled true" in done.stderr


def test_without_the_sdk_the_error_says_how_to_install_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "copilotd.mcp.server", raising=False)

    with pytest.raises(MissingPackage) as caught:
        mcp(home.folder)

    assert caught.value.message == "the Python package mcp is not installed"
    assert caught.value.hint == "pip install 'copilotd[mcp]'"
