"""How MCP servers start, crash and end."""

import asyncio
import logging
import sys

import psutil
import pytest

from copilotd.config import McpServer
from tests.daemon.temp_user import eventually, is_alive
from tests.tools.mcp.session import NAMES, SDK_SERVER, Begin, Clock, until


async def test_a_server_that_dies_during_a_call_is_restarted_by_the_next_call(begin: Begin) -> None:
    session = begin()
    await session.runner.wait_until_ready()
    died = await session.call("s_die")
    assert died.is_failure
    assert died.text == (
        "The MCP server s went away during the call, so it is not known whether the call took "
        "effect. The next call starts it again."
    )
    assert (await session.call("s_add", a=1, b=2)).text == "3"
    first, second = session.pids
    assert (is_alive(first), is_alive(second)) == (False, True)


async def test_a_server_that_dies_between_calls_is_restarted_without_a_failure(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    session = begin()
    await session.runner.wait_until_ready()
    await session.call("s_leave_behind")
    psutil.Process(session.pids[0]).kill()
    gone = "the MCP server s is gone: it ended with exit code -9"
    await until(lambda: gone in caplog.text)
    assert (await session.call("s_add", a=1, b=2)).text == "3"


async def test_a_call_that_takes_too_long_is_stopped_and_the_server_keeps_running(
    begin: Begin,
) -> None:
    session = begin(timeout_s=1)
    await session.runner.wait_until_ready()
    assert (await session.call("s_hang")).text == "It took longer than 1 s and was stopped."
    assert (await session.call("s_add", a=1, b=2)).text == "3"
    assert len(session.pids) == 1


async def test_a_silent_server_does_not_block_a_chat(begin: Begin) -> None:
    session = begin("silent", ready_timeout_s=0.1)
    async with asyncio.timeout(30):
        await session.runner.wait_until_ready()
        await session.runner.wait_until_ready()
    assert session.names == []
    assert "read_file" in [t.name for t in session.runner.list_allowed_tools(session.editor)]


async def test_a_server_that_cannot_start_is_retried_after_longer_and_longer_pauses(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    clock, starts = Clock(), []
    session = begin("broken", clock=clock)
    for clock.now in (0.0, 1.9, 2.0, 5.9, 6.0):
        await session.runner.wait_until_ready()
        starts.append(len(session.pids))
    assert starts == [1, 1, 2, 2, 3]
    assert [r.message for r in caplog.records if r.levelno == logging.ERROR] == [
        "the MCP server s cannot be used: it ended with exit code 1; its last error "
        f"message: no key is set. The next chat after {pause} s tries it again"
        for pause in (2, 4, 8)
    ]


async def test_a_server_that_does_not_answer_in_time_is_ended(
    begin: Begin, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copilotd.tools.mcp.server.START_TIMEOUT_S", 0.2)
    before = psutil.Process().children()
    session = begin(server={"command": ["sleep", "600"]})
    await session.runner.wait_until_ready()
    assert "the MCP server s cannot be used: it did not answer in time. " in caplog.text
    assert eventually(lambda: psutil.Process().children() == before)


async def test_the_log_names_a_program_that_does_not_exist(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    session = begin(server={"command": ["/no/such/program"]})
    await session.runner.wait_until_ready()
    assert "cannot be used: [Errno 2] No such file or directory: '/no/such/program'" in caplog.text


async def test_without_the_sdk_the_log_says_how_to_install_it(
    begin: Begin, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    session = begin()
    await session.runner.wait_until_ready()
    assert session.names == []
    assert (
        "cannot be used: the Python package mcp is not installed: pip install 'copilotd[mcp]'"
    ) in caplog.text


@pytest.mark.parametrize("how", ["stdio", "stubborn"])
async def test_no_program_is_left_after_close(begin: Begin, how: str) -> None:
    session = begin(how)
    await session.runner.wait_until_ready()
    behind = int((await session.call("s_leave_behind")).text)
    async with asyncio.timeout(30):
        await session.servers.close()
    assert eventually(lambda: not any(map(is_alive, (*session.pids, behind))))


async def test_close_also_ends_a_server_that_is_still_starting(begin: Begin) -> None:
    session = begin("silent", ready_timeout_s=0)
    await session.runner.wait_until_ready()
    await until(lambda: session.file.exists() and session.pids != [])
    async with asyncio.timeout(30):
        await session.servers.close()
    assert eventually(lambda: not is_alive(session.pids[0]))


async def test_new_settings_close_only_the_servers_that_they_drop(
    begin: Begin,
) -> None:
    session = begin()
    await session.runner.wait_until_ready()
    kept = McpServer(command=[sys.executable, str(SDK_SERVER), str(session.file), "stdio"])
    session.servers.apply_settings({"s": kept})
    assert session.names == NAMES
    session.servers.apply_settings({})
    assert session.names == []
    await until(lambda: not is_alive(session.pids[0]))
    assert len(session.pids) == 1


async def test_a_server_that_is_switched_off_is_not_started(begin: Begin) -> None:
    session = begin(server={"enabled": False})
    await session.runner.wait_until_ready()
    assert (session.names, session.file.exists()) == ([], False)
