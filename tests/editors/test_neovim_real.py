"""Neovim with the daemon and the real model."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.servers.daemon import RunningDaemon, run_copilotd, run_daemon
from tests.editors.conftest import Start
from tests.editors.neovim import Neovim
from tests.real.conftest import model_path

__all__ = ["model_path"]  # a fixture
pytestmark = pytest.mark.model

PATIENCE_S = 90.0
CART = """\
class Cart:
    def total(self, items):
        result = 0
        for item in items:
            result += item.price
        return result
"""


@pytest.fixture
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    # The settings are for the daemon that an editor starts in the place of this one.
    with run_daemon(model_path, MODEL__NAME=str(model_path), SERVER__PORT="0") as running:
        yield running


@pytest.fixture
def editor(daemon: RunningDaemon, start: Start, tmp_path: Path) -> Neovim:
    command = json.dumps([sys.executable, "-m", "copilotd", "lsp"])
    editor = start(f"vim.json.decode({command!r})", env=daemon.env)
    editor.patience = PATIENCE_S
    editor.edit(tmp_path / "sums.py")
    return editor


def type_until_sum(editor: Neovim) -> None:
    """Type a line with one obvious end, and wait until that end is ghost text."""
    editor.type("idef add(a, b):<CR>return ")
    # The server may show a partial completion at first, which grows by itself.
    editor.wait_for_ghost_text("a + b")


def test_the_completion_of_the_model_is_inserted_into_the_file(
    editor: Neovim, tmp_path: Path
) -> None:
    type_until_sum(editor)
    editor.type("<Tab>")
    editor.wait_for_text("def add(a, b):\n    return a + b")
    editor.type("<Esc>:w<CR>")
    editor.wait_until(
        lambda: (tmp_path / "sums.py").read_text(), lambda text: "return a + b\n" in text
    )


def test_a_killed_daemon_is_replaced(editor: Neovim, daemon: RunningDaemon) -> None:
    type_until_sum(editor)
    os.kill(daemon.pid, signal.SIGKILL)
    editor.wait_for_ghost_text("")
    editor.wait_until(editor.read_ghost_text)
    assert json.loads(run_copilotd(daemon.env, "status", "--json"))["pid"] != daemon.pid


def test_a_question_about_code_is_answered_in_the_chat(editor: Neovim, tmp_path: Path) -> None:
    editor.edit(tmp_path / "mean.py", "def mean(values):\n    return sum(values) / len(values)\n")
    editor.type("Vj:Copilotd explain<CR>")
    editor.wait_until(editor.read_text, lambda text: text.count("## You") == 2)
    assert "mean" in editor.read_text().partition("## copilotd")[2]


def test_an_edit_is_shown_and_made_when_the_user_accepts_it(editor: Neovim, tmp_path: Path) -> None:
    editor.edit(tmp_path / "cart.py", CART)
    editor.type("VG:Copilotd edit Rename the parameter items to products.<CR>")
    # Rows are marked to go only when the whole edit is there.
    preview = editor.wait_until(editor.read_preview, lambda preview: bool(preview["removed"]))
    assert "    def total(self, products):" in preview["added"]
    assert editor.read_text() == CART.rstrip("\n")
    editor.command("Copilotd accept")
    editor.wait_until(editor.read_text, lambda text: "self, products" in text)
