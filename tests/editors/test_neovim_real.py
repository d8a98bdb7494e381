"""Neovim with the daemon and the model, as a programmer has them."""

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


def sums(editor: Neovim) -> None:
    """Type a line that has one end, and wait until it is there."""
    editor.type("idef add(a, b):<CR>return ")
    # The server may first show the beginning of what it has no time to finish; it grows by itself.
    editor.shows("a + b")


def test_what_the_model_offers_is_written_into_the_file(editor: Neovim, tmp_path: Path) -> None:
    sums(editor)
    editor.type("<Tab>")
    editor.has("def add(a, b):\n    return a + b")
    editor.type("<Esc>:w<CR>")
    editor.until(lambda: (tmp_path / "sums.py").read_text(), lambda text: "return a + b\n" in text)


def test_a_killed_daemon_is_replaced(editor: Neovim, daemon: RunningDaemon) -> None:
    sums(editor)
    os.kill(daemon.pid, signal.SIGKILL)
    editor.shows("")
    editor.until(editor.ghost)
    assert json.loads(run_copilotd(daemon.env, "status", "--json"))["pid"] != daemon.pid


def test_a_question_about_code_is_answered_in_the_chat(editor: Neovim, tmp_path: Path) -> None:
    editor.edit(tmp_path / "mean.py", "def mean(values):\n    return sum(values) / len(values)\n")
    editor.type("Vj:Copilotd explain<CR>")
    editor.until(editor.text, lambda text: text.count("## You") == 2)
    assert "mean" in editor.text().partition("## copilotd")[2]


def test_an_edit_is_shown_and_written_when_accepted(editor: Neovim, tmp_path: Path) -> None:
    editor.edit(tmp_path / "cart.py", CART)
    editor.type("VG:Copilotd edit Rename the parameter items to products.<CR>")
    # Rows are marked to go only when the whole edit is there.
    preview = editor.until(editor.preview, lambda preview: bool(preview["removed"]))
    assert "    def total(self, products):" in preview["added"]
    assert editor.text() == CART.rstrip("\n")
    editor.command("Copilotd accept")
    editor.until(editor.text, lambda text: "self, products" in text)
