"""Neovim in a real terminal with the daemon and the model: what the screen shows."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon
from tests.daemon.temp_user import eventually
from tests.editors.conftest import write_init_file
from tests.editors.neovim import build_environment, find_executable
from tests.real.conftest import model_path

__all__ = ["model_path"]  # a fixture
pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not shutil.which("tmux"), reason="no tmux"),
]

PATIENCE_S = 90.0
WIDTH, HEIGHT = 40, 8
# No swap file, no intro, nothing on the screen but the text and the mode.
PLAIN = "vim.opt.swapfile = false; vim.opt.laststatus = 0; vim.opt.ruler = false"

BEGUN = """\
def add(a, b):
    return
~
~
~
~
~"""
COMPLETE = BEGUN.replace("    return", "    return a + b")


class Tmux:
    """A terminal window with a running program."""

    def __init__(self, folder: Path, env: dict[str, str], command: list[str]) -> None:
        self._base = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._env = env
        size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
        self._run("new-session", "-d", *size, *command)

    def type(self, *keys: str) -> None:
        """Send keys: names of keys are pressed, other text is typed."""
        self._run("send-keys", *keys)

    def wait_for_screen(self, screen: str) -> None:
        """Wait until the screen is `screen`, without its last line, which has messages."""
        end = time.monotonic() + PATIENCE_S
        while (seen := self._screen()) != screen:
            assert time.monotonic() < end, f"still\n{seen}"
            time.sleep(0.05)

    def close(self) -> None:
        subprocess.run([*self._base, "kill-server"], check=False)

    def _screen(self) -> str:
        lines = self._run("capture-pane", "-p").splitlines()[: HEIGHT - 1]
        return "\n".join(line.rstrip() for line in lines)

    def _run(self, *command: str) -> str:
        whole = [*self._base, *command]
        return subprocess.run(
            whole, env=self._env, check=True, capture_output=True, text=True, timeout=30
        ).stdout


@pytest.fixture
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path) as running:
        yield running


@pytest.fixture
def terminal(daemon: RunningDaemon, tmp_path: Path) -> Iterator[Tmux]:
    command = json.dumps([sys.executable, "-m", "copilotd", "lsp"])
    enable = "vim.lsp.enable('copilotd')"
    init = write_init_file(tmp_path, f"vim.json.decode({command!r})", PLAIN, enable)
    env = {**build_environment(tmp_path, daemon.env), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    nvim = [find_executable(), "-u", str(init), str(tmp_path / "sums.py")]
    tmux = Tmux(tmp_path, env, nvim)
    yield tmux
    tmux.close()


def test_ghost_text_is_drawn_accepted_and_undone(terminal: Tmux, tmp_path: Path) -> None:
    terminal.type("i", "def add(a, b):", "Enter", "return ")
    terminal.wait_for_screen(COMPLETE)
    terminal.type("Tab")
    terminal.type("Escape", "u")
    terminal.wait_for_screen(BEGUN)
    terminal.type("C-r")
    terminal.wait_for_screen(COMPLETE)
    terminal.type(":w", "Enter")
    terminal.type(":q", "Enter")
    file = tmp_path / "sums.py"
    assert eventually(file.exists)
    assert file.read_text() == "def add(a, b):\n    return a + b\n"
