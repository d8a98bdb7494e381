"""Fixtures with an editor and its language server for each test."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.editors.fake_language_server import FakeServer
from tests.editors.neovim import PLUGIN, Neovim, build_environment

Start = Callable[..., Neovim]

_INIT = """
vim.g.loaded_python3_provider = 0
vim.opt.runtimepath:prepend({plugin!r})
{before}
vim.lsp.config('copilotd', {{ cmd = {cmd} }})
{after}
"""


def write_init_file(folder: Path, cmd: str, before: str, after: str) -> Path:
    """Write the init file that an editor reads when it starts; return its path."""
    init = folder / "init.lua"
    init.write_text(_INIT.format(plugin=str(PLUGIN), cmd=cmd, before=before, after=after))
    return init


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeServer]:
    server = FakeServer(tmp_path / "lsp")
    yield server
    server.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start editors. `cmd` is Lua; `before` and `after` are Lua around the LSP configuration."""
    with ExitStack() as editors:

        def start(
            cmd: str,
            before: str = "",
            after: str = "vim.lsp.enable('copilotd')",
            env: Mapping[str, str] = os.environ,
        ) -> Neovim:
            init = write_init_file(tmp_path, cmd, before, after)
            editor = Neovim(init, build_environment(tmp_path, env))
            editors.callback(editor.close)
            return editor

        yield start


@pytest.fixture
def connect(start: Start, server: FakeServer) -> Start:
    """Start editors that use the fake server."""

    def connect(before: str = "", after: str = "vim.lsp.enable('copilotd')") -> Neovim:
        return start(f"vim.lsp.rpc.connect({str(server.path)!r})", before, after)

    return connect


@pytest.fixture
def editor(connect: Start, tmp_path: Path) -> Neovim:
    """An editor with an empty Python file and the fake server attached."""
    editor = connect()
    editor.edit(tmp_path / "a.py")
    return editor
