"""Where Neovim shows ghost text, and the settings that decide it."""

from pathlib import Path

import pytest

from tests.editors.conftest import Start
from tests.editors.fake_language_server import FakeServer
from tests.editors.neovim import Neovim


def check_only_manual_request(editor: Neovim, server: FakeServer) -> None:
    """Type and trigger manually; check that the manual request is the only one."""
    editor.type("ix")
    editor.wait_for_text("x")
    editor.lua("require('copilotd').trigger()")
    requests = server.wait_for("textDocument/inlineCompletion")
    assert [request["context"]["triggerKind"] for request in requests] == [1]
    editor.wait_for_ghost_text("!")


@pytest.mark.parametrize(
    "settings",
    ["{ filetypes = { python = false } }", "{ filetypes = { ['*'] = false } }", "{ auto = false }"],
)
def test_ghost_text_that_a_setting_switches_off_is_requested_manually_only(
    connect: Start, server: FakeServer, tmp_path: Path, settings: str
) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor = connect(after=f"require('copilotd').setup({settings})")
    editor.edit(tmp_path / "a.py")
    check_only_manual_request(editor, server)


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
def test_a_switch_stops_ghost_text(editor: Neovim, server: FakeServer, switch: str) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor.lua(switch)
    check_only_manual_request(editor, server)


def test_a_manual_request_without_a_suggestion_shows_a_message(
    editor: Neovim, server: FakeServer
) -> None:
    editor.type("ix<M-Bslash>")
    editor.wait_until(
        editor.read_messages, lambda messages: "copilotd: no suggestion here" in messages
    )


def test_a_toggle_takes_effect_at_once_in_both_directions(
    editor: Neovim, server: FakeServer
) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor.type("ix")
    editor.wait_for_ghost_text("!")
    editor.lua("require('copilotd').toggle()")
    editor.wait_for_ghost_text("")
    editor.lua("require('copilotd').toggle()")
    editor.wait_for_ghost_text("!")


def test_a_pause_ends_by_itself(editor: Neovim, server: FakeServer) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor.type("ix")
    editor.wait_for_ghost_text("!")
    editor.lua("require('copilotd').pause(0.0005)")
    editor.wait_for_ghost_text("!")
    assert editor.lua("return require('copilotd').status()") == "copilotd"


def test_an_invalid_setting_is_reported_and_its_default_is_used(
    connect: Start, server: FakeServer, tmp_path: Path
) -> None:
    server.complete = lambda before, after: {"insertText": "!"}
    editor = connect(
        after="require('copilotd').setup({ keymaps = { accept = 7 }, colour = 'red' })"
    )
    editor.edit(tmp_path / "a.py")
    messages = editor.read_messages()
    assert 'copilotd: `keymaps.accept` must be a key such as "<Tab>", or false, not 7' in messages
    assert "copilotd: there is no setting `colour`" in messages
    editor.type("ix")
    editor.wait_for_ghost_text("!")
    editor.type("<Tab>")
    editor.wait_for_text("x!")


def test_the_status_line_follows_the_server(editor: Neovim, server: FakeServer) -> None:
    editor.lua("""
    seen = {}
    vim.api.nvim_create_autocmd('User', { pattern = 'CopilotdStatus', callback = function()
      table.insert(seen, require('copilotd').status())
    end })
    """)
    loading = {"phase": "loading", "detail": "Loading the model", "fraction": 0.4}
    server.notify("copilotd/status", loading)
    server.notify("copilotd/status", {"phase": "ready", "detail": "", "fraction": None})
    seen = editor.wait_until(lambda: editor.lua("return seen"), lambda seen: len(seen) == 2)
    assert seen == ["copilotd (loading 40%%)", "copilotd"]


def test_no_module_is_loaded_before_the_server_attaches(connect: Start) -> None:
    editor = connect()
    loaded = editor.lua("return vim.tbl_keys(package.loaded)")
    assert "vim.lsp" in loaded
    assert not [module for module in loaded if module.startswith("copilotd")]
