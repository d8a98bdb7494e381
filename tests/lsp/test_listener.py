import asyncio
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from copilotd.errors import StartFailed
from copilotd.lsp import listener as front_module
from copilotd.paths import Paths
from tests.lsp.conftest import Daemon
from tests.lsp.raw_client import RawClient


async def test_the_socket_is_for_this_user_alone(daemon: Daemon, paths: Paths) -> None:
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (paths.runtime, paths.socket)]
    assert modes == [0o700, 0o600]
    assert daemon.socket == str(paths.socket)


async def test_a_socket_that_a_dead_daemon_left_is_replaced(daemon: Daemon, paths: Paths) -> None:
    await daemon.front.close()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(daemon.socket)
    client = await RawClient.connect(await daemon.front.start(paths))
    assert "inlineCompletionProvider" in await client.begin()
    await client.leave()


async def test_closing_removes_the_socket(daemon: Daemon, paths: Paths) -> None:
    await daemon.front.close()
    assert list(paths.runtime.iterdir()) == []


async def test_a_path_that_is_too_long_is_named_with_a_way_out(
    daemon: Daemon, tmp_path: Path, paths: Paths
) -> None:
    long = replace(paths, runtime=tmp_path / ("x" * 120))
    with pytest.raises(StartFailed) as caught:
        await daemon.front.start(long)
    assert str(long.socket) in caught.value.message
    assert "XDG_RUNTIME_DIR" in caught.value.hint


async def test_a_file_that_is_no_socket_is_left_alone(daemon: Daemon, paths: Paths) -> None:
    await daemon.front.close()
    paths.socket.write_text("mine")
    with pytest.raises(StartFailed):
        await daemon.front.start(paths)
    assert paths.socket.read_text() == "mine"


async def test_without_unix_sockets_it_listens_on_loopback(
    daemon: Daemon, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    await daemon.front.close()
    monkeypatch.setattr(front_module, "has_unix_sockets", lambda: False)
    host, _, port = (await daemon.front.start(paths)).rpartition(":")
    assert host == "127.0.0.1"
    client = RawClient(*await asyncio.open_connection(host, int(port)))
    await client.begin()
    await client.leave()
