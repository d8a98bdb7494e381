"""Edits in Neovim: asked for, looked at, made or not."""

from pathlib import Path
from typing import Any

import pytest

from tests.editors.fake_language_server import HOLD, Stub
from tests.editors.neovim import Neovim

CODE = "def add(a, b):\n    return a + b\n\nprint(add)\n"
NEW = "def total(a, b):\n    return a + b\n"


@pytest.fixture
def coding(editor: Neovim, tmp_path: Path, server: Stub) -> Neovim:
    editor.edit(tmp_path / "sums.py", CODE)
    server.answers["copilotd/edit"] = lambda params: result(params, NEW)
    return editor


def result(params: Any, text: str, version: int = 0) -> Any:
    return {
        "textDocument": {"uri": params["textDocument"]["uri"], "version": version},
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}},
        "newText": text,
        "finishReason": "stop",
    }


def previews(editor: Neovim, removed: list[int], added: list[str]) -> None:
    wanted = {"removed": removed, "added": added}
    editor.until(editor.preview, lambda seen: seen == wanted)


def test_only_what_differs_is_shown_and_nothing_is_changed(coding: Neovim, server: Stub) -> None:
    coding.command("1,2Copilotd edit call it total")
    previews(coding, [0], ["def total(a, b):"])
    coding.has(CODE.rstrip("\n"))
    [params] = server.all("copilotd/edit")
    assert (params["command"], params["instruction"]) == ("edit", "call it total")
    assert params["range"] == {
        "start": {"line": 0, "character": 0},
        "end": {"line": 2, "character": 0},
    }


def test_accepting_makes_the_edit_as_one_step_to_undo(coding: Neovim) -> None:
    coding.command("1,2Copilotd edit call it total")
    previews(coding, [0], ["def total(a, b):"])
    coding.type("<CR>")
    coding.has(CODE.replace("def add", "def total").rstrip("\n"))
    previews(coding, [], [])
    coding.type("u")
    coding.has(CODE.rstrip("\n"))


def test_rejecting_leaves_all_as_it_was(coding: Neovim) -> None:
    coding.lua("vim.keymap.set('n', '<CR>', 'ix<Esc>', { buffer = true })")
    coding.command("1,2Copilotd edit call it total")
    previews(coding, [0], ["def total(a, b):"])
    coding.type("<Esc>")
    previews(coding, [], [])
    coding.has(CODE.rstrip("\n"))
    coding.type("<CR>")
    coding.has("x" + CODE.rstrip("\n"))


def test_lines_appear_while_they_are_written_and_can_be_stopped(
    coding: Neovim, server: Stub
) -> None:
    def answer(params: Any) -> Any:
        server.progress(params, "def tot", "al(a")
        return HOLD

    server.answers["copilotd/edit"] = answer
    coding.command("1,2Copilotd edit call it total")
    previews(coding, [], ["def total(a"])
    coding.type("<Esc>")
    server.wait_for("$/cancelRequest")
    previews(coding, [], [])


def test_an_edit_of_an_earlier_version_is_not_offered(coding: Neovim, server: Stub) -> None:
    server.answers["copilotd/edit"] = lambda params: result(params, NEW, version=7)
    coding.command("1,2Copilotd edit call it total")
    coding.until(coding.messages, lambda told: "the file has changed since" in told)
    previews(coding, [], [])


def test_a_change_of_the_text_ends_the_preview(coding: Neovim) -> None:
    coding.command("1,2Copilotd edit call it total")
    previews(coding, [0], ["def total(a, b):"])
    coding.type("Goend<Esc>")
    previews(coding, [], [])
    coding.has(CODE.rstrip("\n") + "\nend")


@pytest.mark.parametrize("command", ["fix", "doc"])
def test_the_line_of_the_cursor_can_be_fixed_or_documented(
    coding: Neovim, server: Stub, command: str
) -> None:
    coding.command("2")
    coding.command(f"Copilotd {command}")
    [params] = server.wait_for("copilotd/edit")
    assert params["command"] == command
    assert params["range"]["start"]["line"] == 1
    assert params["range"]["end"]["line"] == 2


def test_an_instruction_that_is_missing_is_asked_for(coding: Neovim, server: Stub) -> None:
    coding.lua("vim.ui.input = function(_, answer) answer('call it total') end")
    coding.command("1,2Copilotd edit")
    [params] = server.wait_for("copilotd/edit")
    assert params["instruction"] == "call it total"
