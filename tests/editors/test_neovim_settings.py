"""Where ghost text comes in Neovim, and what the settings say."""

from pathlib import Path

import pytest

from tests.editors.conftest import Start
from tests.editors.fake_language_server import Stub
from tests.editors.neovim import Neovim


def quiet(editor: Neovim, server: Stub) -> None:
    """Type, and see that the first request is the one by hand."""
    editor.type("ix")
    editor.has("x")
    editor.lua("require('copilotd').trigger()")
    requests = server.wait_for("textDocument/inlineCompletion")
    assert [request["context"]["triggerKind"] for request in requests] == [1]
    editor.shows("!")


@pytest.mark.parametrize(
    "settings",
    ["{ filetypes = { python = false } }", "{ filetypes = { ['*'] = false } }", "{ auto = false }"],
)
def test_what_is_switched_off_by_a_setting_comes_by_hand_only(
    connect: Start, server: Stub, tmp_path: Path, settings: str
) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor = connect(after=f"require('copilotd').setup({settings})")
    editor.edit(tmp_path / "a.py")
    quiet(editor, server)


@pytest.mark.parametrize(
    "switch",
    [
        "vim.b.copilotd = false",
        "require('copilotd').toggle()",
        "require('copilotd').pause(5)",
        "vim.cmd('Copilotd toggle')",
        "vim.cmd('Copilotd pause 5')",
    ],
)
def test_a_switch_stops_ghost_text(editor: Neovim, server: Stub, switch: str) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor.lua(switch)
    quiet(editor, server)


def test_who_asks_by_hand_is_told_that_there_is_nothing(editor: Neovim, server: Stub) -> None:
    editor.type("ix<M-Bslash>")
    editor.until(editor.messages, lambda told: "copilotd: no suggestion here" in told)


def test_a_toggle_acts_at_once_in_both_directions(editor: Neovim, server: Stub) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor.type("ix")
    editor.shows("!")
    editor.lua("require('copilotd').toggle()")
    editor.shows("")
    editor.lua("require('copilotd').toggle()")
    editor.shows("!")


def test_a_pause_ends_by_itself(editor: Neovim, server: Stub) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor.type("ix")
    editor.shows("!")
    editor.lua("require('copilotd').pause(0.0005)")
    editor.shows("!")
    assert editor.lua("return require('copilotd').status()") == "copilotd"


def test_a_wrong_setting_is_told_and_its_default_used(
    connect: Start, server: Stub, tmp_path: Path
) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor = connect(
        after="require('copilotd').setup({ keymaps = { accept = 7 }, colour = 'red' })"
    )
    editor.edit(tmp_path / "a.py")
    messages = editor.messages()
    assert 'copilotd: `keymaps.accept` must be a key such as "<Tab>", or false, not 7' in messages
    assert "copilotd: there is no setting `colour`" in messages
    editor.type("ix")
    editor.shows("!")
    editor.type("<Tab>")
    editor.has("x!")


def test_the_status_line_follows_the_server(editor: Neovim, server: Stub) -> None:
    editor.lua("""
    seen = {}
    vim.api.nvim_create_autocmd('User', { pattern = 'CopilotdStatus', callback = function()
      table.insert(seen, require('copilotd').status())
    end })
    """)
    loading = {"phase": "loading", "detail": "Loading the model", "fraction": 0.4}
    server.notify("copilotd/status", loading)
    server.notify("copilotd/status", {"phase": "ready", "detail": "", "fraction": None})
    seen = editor.until(lambda: editor.lua("return seen"), lambda seen: len(seen) == 2)
    assert seen == ["copilotd (loading 40%%)", "copilotd"]


def test_no_module_is_loaded_before_the_server_is_there(connect: Start) -> None:
    editor = connect()
    loaded = editor.lua("return vim.tbl_keys(package.loaded)")
    assert "vim.lsp" in loaded
    assert not [module for module in loaded if module.startswith("copilotd")]
