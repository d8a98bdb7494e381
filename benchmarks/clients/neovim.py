"""Neovim with the plugin: types the programmer's keys and records every frame."""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.clients.typed_key import find_typed_key
from benchmarks.recording.buffer import Buffer, Change, from_utf16_units
from benchmarks.recording.flicker import Frame
from benchmarks.recording.player import Client
from benchmarks.servers.daemon import RunningDaemon
from tests.editors.neovim import PLUGIN, Neovim
from tests.editors.screen import Frame as ScreenFrame
from tests.editors.screen import Screen

SIZE = 240, 50
GHOST = "CopilotdGhost"

_INIT = """
vim.g.loaded_python3_provider = 0
-- A separate highlight group, so that the benchmark can find ghost text on the screen.
vim.api.nvim_set_hl(0, 'CopilotdGhost', {{ fg = '#808080' }})
vim.opt.runtimepath:prepend({plugin!r})
vim.cmd('set nowrap noautoindent indentexpr= formatoptions= noswapfile laststatus=0 noruler')
vim.cmd('set nonumber signcolumn=no noshowmode noshowcmd scrolloff=5 sidescroll=1 hidden')
vim.lsp.config('copilotd', {{ cmd = vim.json.decode({command!r}) }})
vim.lsp.enable('copilotd')
"""
_CHANGE = """
for _, change in ipairs(...) do
  local function byte(row, column)
    local line = vim.api.nvim_buf_get_lines(0, row, row + 1, false)[1] or ''
    return math.min(#line, vim.str_byteindex(line, 'utf-16', column, false))
  end
  local from, to, text = unpack(change)
  local ends = byte(to[1], to[2])
  vim.api.nvim_buf_set_text(0, from[1], byte(from[1], from[2]), to[1], ends, vim.split(text, '\\n'))
end
"""
_GO = """
local row, column = ...
local line = vim.api.nvim_buf_get_lines(0, row, row + 1, false)[1] or ''
pcall(vim.api.nvim_win_set_cursor, 0, { row + 1, vim.str_byteindex(line, 'utf-16', column, false) })
"""


class NeovimClient(Client):
    """One editor with its own copy of each file of the recording."""

    def __init__(self, daemon: RunningDaemon) -> None:
        super().__init__()
        self._home = tempfile.TemporaryDirectory(prefix="nvim-")
        folder = Path(self._home.name)
        init = folder / "init.lua"
        command = json.dumps([sys.executable, "-m", "copilotd", "lsp"])
        init.write_text(_INIT.format(plugin=str(PLUGIN), command=command))
        self._folder = folder / "w"
        self._editor = Neovim(init, daemon.env)
        self._screen: Screen = self._editor.watch(*SIZE)
        self._current: Buffer | None = None

    def on_open(self, buffer: Buffer) -> None:
        """Write the file, so that the editor can open it."""
        path = self._path(buffer)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(from_utf16_units(buffer.text))

    def on_focus(self, buffer: Buffer) -> None:
        """Edit the file in insert mode."""
        self._current = buffer
        self._editor.command(f"stopinsert | edit {self._path(buffer)} | setlocal indentkeys=")
        self._editor.type("i")

    def on_edit(self, buffer: Buffer, changes: Sequence[Change]) -> None:
        """Type a key that was typed at the cursor, and apply any other change."""
        if buffer is not self._current:
            return
        if key := find_typed_key(buffer, changes):
            before = self._read_tick()
            self._editor.feed(key)
            # Neovim queues keys, and the next call could overtake them.
            self._editor.wait_until(self._read_tick, lambda tick: tick != before)
        else:
            self._editor.lua(_CHANGE, [[c.start, c.end, from_utf16_units(c.text)] for c in changes])

    def on_cursor_move(self, buffer: Buffer) -> None:
        """Move the cursor."""
        if buffer is self._current:
            self._editor.lua(_GO, *buffer.position(buffer.cursor))

    async def finish(self) -> None:
        """Close the editor."""
        self._editor.close()
        self._home.cleanup()

    def frames(self) -> list[Frame]:
        """All frames of the screen."""
        return [frame for drawn in self._screen.flushed if (frame := self._to_frame(drawn))]

    def _read_tick(self) -> int:
        return int(self._editor.lua("return vim.api.nvim_buf_get_changedtick(0)"))

    def _to_frame(self, drawn: ScreenFrame) -> Frame:
        row, column = drawn.cursor
        before = "".join(text for text, _ in drawn.rows[row][:column])
        ghost = [self._find_ghost(drawn.rows[row][column:])]
        for cells in drawn.rows[row + 1 :]:
            if not (line := self._find_ghost(cells)):
                break
            ghost.append(line)
        return Frame(str(row), before, "\n".join(ghost).rstrip())

    def _find_ghost(self, cells: Sequence[tuple[str, int]]) -> str:
        return "".join(text for text, group in cells if GHOST in self._screen.get_groups(group))

    def _path(self, buffer: Buffer) -> Path:
        return self._folder / buffer.path
