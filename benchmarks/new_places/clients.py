"""The sides: the daemon behind an editor, and llama-server's `/infill`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.clients.ghost_text import GhostText, GhostTextClient
from benchmarks.clients.keystrokes import LlamaServer
from benchmarks.new_places.files import HoledFile
from benchmarks.peers import run_llama_server
from benchmarks.servers.daemon import Checkout, run_copilotd, run_version
from benchmarks.servers.footprint import CpuClock
from benchmarks.servers.idle import find_worker, wait_until_idle
from benchmarks.workloads.functions import Keystroke
from copilotd.engine.worker.llama.context_params import count_cores

N_CTX = 8192
UNHURRIED = {
    "COMPLETION__TARGET_MS": "60000",
    "COMPLETION__LIMIT_MS": "60000",
    "COMPLETION__MAX_TOKENS": "64",
}
"""Enough time for the whole prompt, and to write each suggestion to its end."""
_MOST_TRIES = 100
_RETRY_S = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """The first text that was shown, after `first_ms`, and the text once it is written.

    `first_ms` is None if nothing was shown. `evaluated` counts the prompt tokens that were
    evaluated for the answer, and `cpu_s` is the CPU time up to the first text.
    """

    first_text: str
    text: str
    first_ms: float | None
    evaluated: int | None
    cpu_s: float


class HoleClient(Protocol):
    """A side of the comparison. `cpu` is the clock of its server."""

    cpu: CpuClock

    async def open_file(self, file: HoledFile) -> None:
        """The user turns to a file."""

    async def ask(self, file: HoledFile, offset: int) -> Answer:
        """The cursor is suddenly at `offset`."""

    async def close_file(self) -> None:
        """The user closes the file, and the server comes to rest."""


class Editor(Protocol):
    """What `GhostTextClient` offers."""

    def open_file(self, name: str, text: str) -> str:
        """Open a file and give it the focus. Returns its URI."""

    def close_file(self, uri: str) -> None:
        """Close the file."""

    async def ask(self, uri: str, text: str, offset: int, *, invoked: bool) -> GhostText:
        """Request ghost text."""


class DaemonClient:
    """The daemon, which learns of the file when it is opened."""

    def __init__(self, editor: Editor, pid: int) -> None:
        self._editor, self._pid = editor, pid
        self._uri = ""
        self.cpu = CpuClock(pid)

    async def open_file(self, file: HoledFile) -> None:
        """Send `didOpen` and `didFocus`."""
        self._uri = self._editor.open_file(file.source.name, file.text)

    async def ask(self, file: HoledFile, offset: int) -> Answer:
        """Request ghost text, and again while only a part of it is written."""
        before_s = self.cpu.read_s()
        first = last = await self._editor.ask(self._uri, file.text, offset, invoked=False)
        cpu_s = self.cpu.read_s() - before_s
        for _ in range(_MOST_TRIES):
            if not last.is_partial:
                break
            await asyncio.sleep(_RETRY_S)
            last = await self._editor.ask(self._uri, file.text, offset, invoked=False)
        return Answer(
            first.text,
            last.text or first.text,
            first.ms if first.text.strip() else None,
            first.evaluated,
            cpu_s,
        )

    async def close_file(self) -> None:
        """Send `didClose`."""
        self._editor.close_file(self._uri)
        with suppress(TimeoutError):
            await asyncio.to_thread(wait_until_idle, find_worker(self._pid))


class LlamaServerClient:
    """llama-server, which learns of the file with the request."""

    def __init__(self, url: str, pid: int) -> None:
        self._server = LlamaServer(url)
        self.cpu = CpuClock(pid)

    async def open_file(self, file: HoledFile) -> None:
        """Send nothing."""

    async def ask(self, file: HoledFile, offset: int) -> Answer:
        """Send llama.vim's request; it ends with the whole text."""
        before_s = self.cpu.read_s()
        key = Keystroke(file.text[:offset], file.text[offset:], "")
        answer = await asyncio.to_thread(self._server.suggest, key)
        cpu_s = self.cpu.read_s() - before_s
        return Answer(answer.text, answer.text, answer.first_ms, answer.evaluated, cpu_s)

    async def close_file(self) -> None:
        """Send nothing."""


@asynccontextmanager
async def run_daemon_client(
    checkout: Checkout | None, model: Path, **settings: str
) -> AsyncIterator[DaemonClient]:
    """A new daemon of a version that has measured the machine."""
    with run_version(checkout, model, **settings) as daemon:
        run_copilotd(daemon.env, "tune")
        editor = await GhostTextClient.connect(daemon)
        await _warm_up(editor)
        yield DaemonClient(editor, daemon.pid)
        await editor.shut_down()


def run_whole_client(model: Path) -> AbstractAsyncContextManager[DaemonClient]:
    """A new daemon that takes the time for the whole prompt and the whole suggestion."""
    return run_daemon_client(None, model, **UNHURRIED)


@asynccontextmanager
async def run_llama_server_client(model: Path) -> AsyncIterator[LlamaServerClient]:
    """A new llama-server."""
    with run_llama_server(model, count_cores(), "off", N_CTX) as peer:
        yield LlamaServerClient(peer.url, peer.pid)


async def _warm_up(editor: GhostTextClient) -> None:
    """Let the model write a few words."""
    text = "for word in words:\n    "
    uri = editor.open_file("warm_up.py", text)
    await editor.ask(uri, text, len(text), invoked=True)
    editor.close_file(uri)
