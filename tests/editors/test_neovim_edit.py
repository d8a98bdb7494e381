"""Edits in Neovim: the request, the preview, and accepting or rejecting."""

from pathlib import Path
from typing import Any

import pytest

from tests.editors.fake_language_server import HOLD, FakeServer
from tests.editors.neovim import Neovim

CODE = "def add(a, b):\n    return a + b\n\nprint(add)\n"
NEW = "def total(a, b):\n    return a + b\n"


@pytest.fixture
def code_editor(editor: Neovim, tmp_path: Path, server: FakeServer) -> Neovim:
    editor.edit(tmp_path / "sums.py", CODE)
    server.answers["copilotd/edit"] = lambda params: build_edit(params, NEW)
    return editor


def build_edit(params: Any, text: str, version: int = 0) -> Any:
    return {
        "textDocument": {"uri": params["textDocument"]["uri"], "version": version},
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}},
        "newText": text,
        "finishReason": "stop",
    }


def wait_for_preview(editor: Neovim, removed: list[int], added: list[str]) -> None:
    preview = {"removed": removed, "added": added}
    editor.wait_until(editor.read_preview, lambda seen: seen == preview)


def test_the_preview_shows_only_differences_and_changes_nothing(
    code_editor: Neovim, server: FakeServer
) -> None:
    code_editor.command("1,2Copilotd edit call it total")
    wait_for_preview(code_editor, [0], ["def total(a, b):"])
    code_editor.wait_for_text(CODE.rstrip("\n"))
    [params] = server.list_params("copilotd/edit")
    assert (params["command"], params["instruction"]) == ("edit", "call it total")
    assert params["range"] == {
        "start": {"line": 0, "character": 0},
        "end": {"line": 2, "character": 0},
    }


def test_an_accepted_edit_is_one_undo_step(code_editor: Neovim) -> None:
    code_editor.command("1,2Copilotd edit call it total")
    wait_for_preview(code_editor, [0], ["def total(a, b):"])
    code_editor.type("<CR>")
    code_editor.wait_for_text(CODE.replace("def add", "def total").rstrip("\n"))
    wait_for_preview(code_editor, [], [])
    code_editor.type("u")
    code_editor.wait_for_text(CODE.rstrip("\n"))


def test_a_rejected_edit_changes_nothing(code_editor: Neovim) -> None:
    code_editor.lua("vim.keymap.set('n', '<CR>', 'ix<Esc>', { buffer = true })")
    code_editor.command("1,2Copilotd edit call it total")
    wait_for_preview(code_editor, [0], ["def total(a, b):"])
    code_editor.type("<Esc>")
    wait_for_preview(code_editor, [], [])
    code_editor.wait_for_text(CODE.rstrip("\n"))
    code_editor.type("<CR>")
    code_editor.wait_for_text("x" + CODE.rstrip("\n"))


def test_lines_appear_while_the_model_writes_and_the_user_can_stop_it(
    code_editor: Neovim, server: FakeServer
) -> None:
    def answer(params: Any) -> Any:
        server.send_progress(params, "def tot", "al(a")
        return HOLD

    server.answers["copilotd/edit"] = answer
    code_editor.command("1,2Copilotd edit call it total")
    wait_for_preview(code_editor, [], ["def total(a"])
    code_editor.type("<Esc>")
    server.wait_for("$/cancelRequest")
    wait_for_preview(code_editor, [], [])


def test_an_edit_of_an_earlier_version_is_dropped(code_editor: Neovim, server: FakeServer) -> None:
    server.answers["copilotd/edit"] = lambda params: build_edit(params, NEW, version=7)
    code_editor.command("1,2Copilotd edit call it total")
    code_editor.wait_until(
        code_editor.read_messages, lambda messages: "the file has changed since" in messages
    )
    wait_for_preview(code_editor, [], [])


def test_a_change_of_the_text_ends_the_preview(code_editor: Neovim) -> None:
    code_editor.command("1,2Copilotd edit call it total")
    wait_for_preview(code_editor, [0], ["def total(a, b):"])
    code_editor.type("Goend<Esc>")
    wait_for_preview(code_editor, [], [])
    code_editor.wait_for_text(CODE.rstrip("\n") + "\nend")


@pytest.mark.parametrize("command", ["fix", "doc"])
def test_the_current_line_can_be_fixed_or_documented(
    code_editor: Neovim, server: FakeServer, command: str
) -> None:
    code_editor.command("2")
    code_editor.command(f"Copilotd {command}")
    [params] = server.wait_for("copilotd/edit")
    assert params["command"] == command
    assert params["range"]["start"]["line"] == 1
    assert params["range"]["end"]["line"] == 2


def test_the_editor_asks_for_a_missing_instruction(code_editor: Neovim, server: FakeServer) -> None:
    code_editor.lua("vim.ui.input = function(_, answer) answer('call it total') end")
    code_editor.command("1,2Copilotd edit")
    [params] = server.wait_for("copilotd/edit")
    assert params["instruction"] == "call it total"
