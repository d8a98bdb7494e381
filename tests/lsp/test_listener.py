import asyncio
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from copilotd.errors import StartFailed
from copilotd.lsp import listener as listener_module
from copilotd.paths import Paths
from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import RawClient


async def test_only_this_user_can_reach_the_socket(daemon: FakeDaemon, paths: Paths) -> None:
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (paths.runtime, paths.socket)]
    assert modes == [0o700, 0o600]
    assert daemon.socket == str(paths.socket)


async def test_a_socket_that_a_dead_daemon_left_is_replaced(
    daemon: FakeDaemon, paths: Paths
) -> None:
    await daemon.listener.close()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(daemon.socket)
    client = await RawClient.connect(await daemon.listener.start(paths))
    assert "inlineCompletionProvider" in await client.initialize()
    await client.shut_down()


async def test_closing_removes_the_socket(daemon: FakeDaemon, paths: Paths) -> None:
    await daemon.listener.close()
    assert list(paths.runtime.iterdir()) == []


async def test_the_error_for_a_long_path_names_it_and_the_next_step(
    daemon: FakeDaemon, tmp_path: Path, paths: Paths
) -> None:
    long = replace(paths, runtime=tmp_path / ("x" * 120))
    with pytest.raises(StartFailed) as caught:
        await daemon.listener.start(long)
    assert str(long.socket) in caught.value.message
    assert "XDG_RUNTIME_DIR" in caught.value.hint


async def test_a_file_that_is_not_a_socket_is_not_replaced(
    daemon: FakeDaemon, paths: Paths
) -> None:
    await daemon.listener.close()
    paths.socket.write_text("mine")
    with pytest.raises(StartFailed):
        await daemon.listener.start(paths)
    assert paths.socket.read_text() == "mine"


async def test_without_unix_sockets_it_listens_on_loopback(
    daemon: FakeDaemon, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    await daemon.listener.close()
    monkeypatch.setattr(listener_module, "has_unix_sockets", lambda: False)
    host, _, port = (await daemon.listener.start(paths)).rpartition(":")
    assert host == "127.0.0.1"
    client = RawClient(*await asyncio.open_connection(host, int(port)))
    await client.initialize()
    await client.shut_down()
