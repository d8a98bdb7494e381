import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from copilotd import lifecycle
from copilotd.errors import AlreadyRunning
from copilotd.lifecycle import RunningDaemon
from copilotd.lsp.bridge import DAEMON_LOST, NO_DAEMON, find_or_start
from copilotd.paths import Paths
from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import TIMEOUT_S, RawClient

CONNECTED = """
import sys
from copilotd.lifecycle import RunningDaemon
from copilotd.lsp.bridge import bridge
running = RunningDaemon(pid=1, url="", socket=sys.argv[1], version="", started=0.0)
sys.exit(bridge(lambda: running, 0, 1))
"""

FAILING = """
import sys
from copilotd.errors import StartFailed
from copilotd.lsp.bridge import bridge
def start():
    raise StartFailed("the disk is full", "Make room.")
sys.exit(bridge(start, 0, 1))
"""

HEAVY = {"pygls", "lsprotocol", "cattrs", "fastapi", "pydantic", "llama_cpp", "numpy", "asyncio"}

Spawn = Callable[..., Awaitable[Process]]


@pytest.fixture
async def spawn() -> AsyncIterator[Spawn]:
    """Starts Python with pipes, and kills each process at the end of the test."""
    started: list[Process] = []

    async def spawn(*arguments: str, **environment: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield spawn
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def connect_editor(process: Process) -> RawClient:
    assert process.stdout is not None and process.stdin is not None
    return RawClient(process.stdout, process.stdin)


async def wait_for_exit(process: Process) -> tuple[int, str]:
    """Wait until the process ends by itself; returns its exit code and standard error."""
    assert process.stderr is not None
    async with asyncio.timeout(TIMEOUT_S):
        return await process.wait(), (await process.stderr.read()).decode()


async def test_a_session_through_the_bridge_ends_cleanly(daemon: FakeDaemon, spawn: Spawn) -> None:
    process = await spawn("-c", CONNECTED, daemon.socket)
    client = connect_editor(process)
    await client.initialize("Neovim")
    daemon.model.text = "😀" * 10
    client.open_file("x = 1\n" * 200_000 + "y = ")
    items = await client.request_ghost_text(200_000, 4)
    assert [item["insertText"] for item in items] == ["😀" * 10]
    assert list(daemon.listener.clients) == ["Neovim"]
    await client.shut_down()
    assert await wait_for_exit(process) == (0, "")


async def test_the_end_of_the_editors_input_is_a_clean_end(
    daemon: FakeDaemon, spawn: Spawn
) -> None:
    process = await spawn("-c", CONNECTED, daemon.socket)
    client = connect_editor(process)
    await client.initialize()
    assert process.stdin is not None
    process.stdin.close()
    assert await wait_for_exit(process) == (0, "")
    await client.wait_until_closed()


async def test_a_lost_daemon_ends_the_bridge_with_its_own_exit_code(
    daemon: FakeDaemon, spawn: Spawn
) -> None:
    process = await spawn("-c", CONNECTED, daemon.socket)
    client = connect_editor(process)
    await client.initialize()
    client.open_file('say("method":"exit")')
    await client.request_ghost_text(0, 0)
    await daemon.listener.close()
    ended = (DAEMON_LOST, "copilotd lsp: the daemon closed the connection\n")
    assert await wait_for_exit(process) == ended
    await client.wait_until_closed()


async def test_a_daemon_that_cannot_start_is_the_answer_to_initialize(spawn: Spawn) -> None:
    process = await spawn("-c", FAILING)
    client = connect_editor(process)
    client.notify("$/setTrace", {"value": "off"})
    error = await client.request_error("initialize", {"capabilities": {}})
    assert error == {
        "code": -32803,
        "message": "copilotd: the disk is full. Make room.",
        "data": {"retry": False},
    }
    ended = (NO_DAEMON, "copilotd lsp: the disk is full. Make room.\n")
    assert await wait_for_exit(process) == ended
    await client.wait_until_closed()


async def test_a_socket_where_nobody_listens_is_the_answer_to_initialize(
    spawn: Spawn, tmp_path: Path
) -> None:
    process = await spawn("-c", CONNECTED, str(tmp_path / "no.sock"))
    client = connect_editor(process)
    error = await client.request_error("initialize", {"capabilities": {}})
    assert "copilotd restart" in error["message"]
    assert (await wait_for_exit(process))[0] == NO_DAEMON
    await client.wait_until_closed()


async def test_the_bridge_imports_nothing_heavy(spawn: Spawn) -> None:
    code = "import sys, copilotd.lsp.bridge; print(*{m.split('.')[0] for m in sys.modules})"
    output, _ = await (await spawn("-c", code)).communicate()
    loaded = set(output.decode().split())
    assert "copilotd" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.skipif(
    sys.platform != "linux", reason="the runtime folder is moved by XDG_RUNTIME_DIR"
)
async def test_the_command_connects_to_the_daemon_that_runs(
    daemon: FakeDaemon, paths: Paths, spawn: Spawn
) -> None:
    # The command looks for its files in a folder `copilotd` of the runtime directory.
    own = replace(paths, runtime=paths.runtime / "copilotd")
    with lifecycle.claim(own):
        lifecycle.announce(own, "http://127.0.0.1:1", daemon.socket, "1.2.3", ())
        process = await spawn("-m", "copilotd", "lsp", XDG_RUNTIME_DIR=str(paths.runtime))
        client = connect_editor(process)
        await client.initialize("Helix")
        await client.shut_down()
        assert await wait_for_exit(process) == (0, "")


def running(pid: int) -> RunningDaemon:
    return RunningDaemon(pid, "", "", "", 0.0)


def test_a_daemon_that_runs_is_used(paths: Paths) -> None:
    assert find_or_start(paths, find=lambda _: running(1), launch=lambda *_: running(2)) == running(
        1
    )


def test_a_daemon_is_started_if_none_runs(paths: Paths) -> None:
    assert find_or_start(paths, find=lambda _: None, launch=lambda *_: running(2)) == running(2)


def test_a_daemon_that_another_process_has_just_started_is_used(paths: Paths) -> None:
    looks = iter([None, running(1)])

    def too_late(paths: Paths, arguments: tuple[str, ...]) -> RunningDaemon:
        raise AlreadyRunning("somebody was quicker")

    assert find_or_start(paths, find=lambda _: next(looks), launch=too_late) == running(1)
