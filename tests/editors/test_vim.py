"""Vim with ALE shows the completions of copilotd in its menu and inserts the chosen one."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon
from tests.editors.terminal import Terminal
from tests.real.conftest import model_path

__all__ = ["model_path"]  # a fixture
SETTINGS = Path(__file__).parents[2] / "editors/vim/copilotd.vim"
ALE = Path("/usr/share/vim-ale")
PATIENCE_S = 120
pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not shutil.which("vim"), reason="no vim on PATH"),
    pytest.mark.skipif(not ALE.exists(), reason="no ALE (Debian's vim-ale)"),
]

_VIMRC = """
set nocompatible noswapfile noautoindent encoding=utf-8 ttimeoutlen=10
let g:ale_linters_explicit = 1
let g:ale_linters = {{'python': ['copilotd']}}
source {ale}/autoload/ale.vim
filetype on
set runtimepath^={ale}
source {settings}
runtime! plugin/ale.vim
autocmd CompleteChanged *
\\ call writefile(map(complete_info(['items']).items, 'v:val.word'), {seen!r})
"""


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path) as running:
        yield running


@pytest.fixture
def vim(daemon: RunningDaemon, tmp_path: Path) -> Iterator[Terminal]:
    vimrc = tmp_path / "vimrc"
    vimrc.write_text(_VIMRC.format(ale=ALE, settings=SETTINGS, seen=str(tmp_path / "seen")))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**daemon.env, "PATH": path, "TERM": "xterm"}
    command = ["vim", "-u", str(vimrc), str(tmp_path / "sums.py")]
    with Terminal(command, env, tmp_path) as terminal:
        yield terminal


def test_the_menu_has_the_completion_of_the_model(vim: Terminal, tmp_path: Path) -> None:
    vim.type("idef add(a, b):\r    return ")
    vim.type("\x18\x0f")
    seen = tmp_path / "seen"
    vim.wait_until(lambda: seen.exists() and seen.read_text(), lambda text: "a + b" in str(text))
    vim.type("\x0e\x19\x1b:w\r")
    file = tmp_path / "sums.py"
    vim.wait_until(
        lambda: file.exists() and file.read_text(), lambda text: "return a + b" in str(text)
    )
