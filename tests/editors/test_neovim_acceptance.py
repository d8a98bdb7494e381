"""Accepting ghost text in Neovim: what is inserted, what undo does, what the keys do otherwise."""

from pathlib import Path

import pytest

from tests.editors.conftest import Start
from tests.editors.fake_language_server import FakeServer
from tests.editors.neovim import Neovim

ADD = "def add(a, b):\n    return a + b"


@pytest.fixture
def ghost_editor(editor: Neovim, server: FakeServer) -> Neovim:
    """An editor that shows the rest of a function."""
    server.offer(ADD)
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")
    return editor


def test_tab_inserts_the_ghost_text(ghost_editor: Neovim) -> None:
    ghost_editor.type("<Tab>")
    ghost_editor.wait_for_text(ADD)
    ghost_editor.wait_for_ghost_text("")
    assert ghost_editor.lua("return vim.api.nvim_win_get_cursor(0)") == [2, len("    return a + b")]


def test_keys_typed_right_after_tab_are_inserted_after_the_ghost_text(ghost_editor: Neovim) -> None:
    ghost_editor.type("<Tab>!")
    ghost_editor.wait_for_text(ADD + "!")


def test_acceptance_is_reported_with_the_command_of_the_item(
    ghost_editor: Neovim, server: FakeServer
) -> None:
    ghost_editor.type("<Tab>")
    [command] = server.wait_for("workspace/executeCommand")
    assert (command["command"], command["arguments"]) == ("copilotd.accept", ["def"])


def test_an_auto_closed_bracket_is_replaced(editor: Neovim, server: FakeServer) -> None:
    server.complete = lambda before, after: (
        {"insertText": "d(a, b):", "covers": 1} if after == ")" else None
    )
    editor.type("idef ad)<Left>")
    editor.wait_for_ghost_text("d(a, b|:")
    editor.type("<Tab>")
    editor.wait_for_text("def add(a, b):")


def test_a_bracket_that_was_closed_after_the_answer_is_replaced(
    editor: Neovim, server: FakeServer
) -> None:
    server.offer("f(a)")
    editor.lua("vim.keymap.set('i', '(', '()<Left>')")
    editor.type("if")
    editor.wait_for_ghost_text("(a)")
    server.held = True
    editor.type("(")
    editor.wait_for_ghost_text("a")
    editor.type("<Tab>")
    editor.wait_for_text("f(a)")


def test_a_word_can_be_accepted_and_the_rest_stays(
    ghost_editor: Neovim, server: FakeServer
) -> None:
    server.held = True
    ghost_editor.type("<M-Right>")
    ghost_editor.wait_for_text("def add")
    ghost_editor.wait_for_ghost_text("(a, b):\n    return a + b")
    [partial] = server.wait_for("textDocument/didPartiallyAcceptCompletion")
    assert partial["acceptedLength"] == len(" add")


def test_a_line_can_be_accepted_and_then_the_next_line(
    ghost_editor: Neovim, server: FakeServer
) -> None:
    server.held = True
    ghost_editor.type("<M-C-Right>")
    ghost_editor.wait_for_text("def add(a, b):")
    ghost_editor.wait_for_ghost_text("\n    return a + b")
    ghost_editor.type("<M-C-Right>")
    ghost_editor.wait_for_text(ADD)
    [command] = server.wait_for("workspace/executeCommand")
    assert command["command"] == "copilotd.accept"


def test_accepting_a_word_before_a_closed_bracket_keeps_the_bracket(
    editor: Neovim, server: FakeServer
) -> None:
    server.complete = lambda before, after: (
        {"insertText": "a, b):", "covers": 1} if before == "f(" else None
    )
    editor.type("if()<Left>")
    editor.wait_for_ghost_text("a, b|:")
    server.held = True
    editor.type("<M-Right>")
    editor.wait_for_text("f(a)")
    editor.wait_for_ghost_text(", b|:")
    editor.type("<Tab>")
    editor.wait_for_text("f(a, b):")


def test_accepted_lengths_count_utf_16_units(editor: Neovim, server: FakeServer) -> None:
    server.complete = lambda before, after: {"insertText": "𝄞ä b"}
    editor.type("ix")
    editor.wait_for_ghost_text("𝄞ä b")
    editor.type("<M-Right>")
    [partial] = server.wait_for("textDocument/didPartiallyAcceptCompletion")
    assert partial["acceptedLength"] == 3


def test_one_undo_removes_exactly_one_suggestion(ghost_editor: Neovim) -> None:
    ghost_editor.type("<Tab>")
    ghost_editor.wait_for_text(ADD)
    ghost_editor.type("xyz<Esc>")
    ghost_editor.wait_for_text(ADD + "xyz")
    ghost_editor.type("u")
    ghost_editor.wait_for_text(ADD)
    ghost_editor.type("u")
    ghost_editor.wait_for_text("def")
    ghost_editor.type("u")
    ghost_editor.wait_for_text("")
    ghost_editor.type("<C-r><C-r>")
    ghost_editor.wait_for_text(ADD)


def test_dismissed_ghost_text_stays_away_until_the_text_changes(
    ghost_editor: Neovim, server: FakeServer
) -> None:
    ghost_editor.type("<C-]>")
    ghost_editor.wait_for_ghost_text("")
    [command] = server.wait_for("workspace/executeCommand")
    assert (command["command"], command["arguments"]) == ("copilotd.reject", ["def"])
    ghost_editor.type(" ")
    ghost_editor.wait_for_ghost_text("add(a, b):\n    return a + b")


def test_tab_without_ghost_text_inserts_a_tab(editor: Neovim) -> None:
    editor.type("i<Tab>x")
    editor.wait_for_text("    x")


@pytest.mark.parametrize(
    "mapping",
    [
        "vim.keymap.set('i', '<Tab>', 'mapped')",
        "vim.keymap.set('i', '<Tab>', function() return 'map' .. 'ped' end, { expr = true })",
        "vim.keymap.set('i', '<Tab>', function() vim.api.nvim_paste('mapped', true, -1) end)",
        "vim.keymap.set('i', '<Plug>(x)', 'mapped'); vim.keymap.set('i', '<Tab>', '<Plug>(x)')",
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_tab_without_ghost_text_keeps_its_earlier_mapping(
    connect: Start, server: FakeServer, tmp_path: Path, mapping: str, when: str
) -> None:
    server.offer(ADD)
    editor = connect(before=mapping if when == "before" else "")
    editor.edit(tmp_path / "a.py")
    if when == "after":
        editor.lua(mapping)
    editor.type("i<C-]><Tab>")
    editor.wait_for_text("mapped")
    editor.type("<C-u>def")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")
    editor.type("<Tab>")
    editor.wait_for_text(ADD)


def test_a_mapping_of_the_buffer_is_kept(
    connect: Start, server: FakeServer, tmp_path: Path
) -> None:
    editor = connect(
        before="""
        vim.api.nvim_create_autocmd('FileType', { callback = function()
          vim.keymap.set('i', '<Tab>', 'local', { buffer = true })
        end })
        """
    )
    editor.edit(tmp_path / "a.py")
    editor.type("i<Tab>")
    editor.wait_for_text("local")


def test_tab_jumps_in_a_snippet_as_in_plain_neovim(editor: Neovim) -> None:
    editor.type("i")
    editor.lua("vim.snippet.expand('f($1, $2)')")
    editor.type("a<Tab>b")
    editor.wait_for_text("f(a, b)")


def test_keys_can_be_changed_and_disabled(
    connect: Start, server: FakeServer, tmp_path: Path
) -> None:
    server.offer(ADD)
    editor = connect(
        after="require('copilotd').setup({ keymaps = { accept = '<C-l>', accept_word = false } })"
    )
    editor.edit(tmp_path / "a.py")
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")
    assert editor.lua("return vim.fn.maparg('<M-Right>', 'i')") == ""
    editor.type("<C-l>")
    editor.wait_for_text(ADD)


def test_plug_names_can_be_mapped(ghost_editor: Neovim) -> None:
    ghost_editor.lua("vim.keymap.set('i', '<C-l>', '<Plug>(copilotd-accept-line)')")
    ghost_editor.type("<C-l>")
    ghost_editor.wait_for_text("def add(a, b):")
