"""llama.vim itself, in Vim, pointed at the daemon.

No registry has the plug-in, so `COPILOTD_LLAMA_VIM` names a folder with it; without one, what it
sends and reads is played by `benchmarks/llama_vim`, and by tests/http.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon
from tests.editors.terminal import Terminal
from tests.real.conftest import model_path

__all__ = ["model_path"]  # a fixture
PLUGIN = os.environ.get("COPILOTD_LLAMA_VIM", "")
pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not PLUGIN, reason="COPILOTD_LLAMA_VIM names no folder"),
    pytest.mark.skipif(not shutil.which("vim"), reason="no vim on PATH"),
]

_VIMRC = """
set nocompatible noswapfile noautoindent encoding=utf-8 ttimeoutlen=10
let g:llama_config = {{'endpoint': '{url}/infill', 'show_info': 0}}
set runtimepath^={plugin}
runtime! plugin/llama.vim
"""


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path) as running:
        yield running


@pytest.fixture
def vim(daemon: RunningDaemon, tmp_path: Path) -> Iterator[Terminal]:
    vimrc = tmp_path / "vimrc"
    vimrc.write_text(_VIMRC.format(url=daemon.url, plugin=PLUGIN))
    command = ["vim", "-u", str(vimrc), str(tmp_path / "sums.py")]
    with Terminal(command, {**daemon.env, "TERM": "xterm"}, tmp_path) as terminal:
        yield terminal


def type_until_sum(vim: Terminal) -> None:
    """Type a line with one obvious end, and wait until that end is on the screen."""
    vim.wait_until(lambda: vim.output, lambda output: b"sums.py" in output)
    vim.type("idef add(a, b):\r    return ")
    vim.wait_until(lambda: vim.output, lambda output: b"a + b" in output)


def test_ghost_text_is_shown_and_tab_accepts_it(vim: Terminal, tmp_path: Path) -> None:
    type_until_sum(vim)
    vim.type("\t\x1b:w\r")
    file = tmp_path / "sums.py"
    vim.wait_until(
        lambda: file.exists() and file.read_text(), lambda text: "    return a + b" in str(text)
    )


def test_a_single_word_is_accepted(vim: Terminal, tmp_path: Path) -> None:
    type_until_sum(vim)
    vim.type("\x02\x1b:w\r")
    file = tmp_path / "sums.py"
    vim.wait_until(lambda: file.exists() and file.read_text(), lambda text: "return a" in str(text))
    assert file.read_text() == "def add(a, b):\n    return a\n"
