"""Taking ghost text in Neovim: what is written, what can be undone, what the keys do otherwise."""

from pathlib import Path

import pytest

from tests.editors.conftest import Start
from tests.editors.fake_language_server import Stub
from tests.editors.neovim import Neovim

ADD = "def add(a, b):\n    return a + b"


@pytest.fixture
def offered(editor: Neovim, server: Stub) -> Neovim:
    """An editor that shows the rest of a function."""
    server.offers(ADD)
    editor.type("idef")
    editor.shows(" add(a, b):\n    return a + b")
    return editor


def test_tab_writes_the_ghost_text(offered: Neovim) -> None:
    offered.type("<Tab>")
    offered.has(ADD)
    offered.shows("")
    assert offered.lua("return vim.api.nvim_win_get_cursor(0)") == [2, len("    return a + b")]


def test_keys_typed_right_after_tab_come_behind_it(offered: Neovim) -> None:
    offered.type("<Tab>!")
    offered.has(ADD + "!")


def test_acceptance_is_reported_by_the_item_itself(offered: Neovim, server: Stub) -> None:
    offered.type("<Tab>")
    [command] = server.wait_for("workspace/executeCommand")
    assert (command["command"], command["arguments"]) == ("copilotd.accept", ["def"])


def test_a_bracket_that_the_editor_closed_is_replaced(editor: Neovim, server: Stub) -> None:
    server.complete = lambda before, after: (
        {"insertText": "d(a, b):", "covers": 1} if after == ")" else None
    )
    editor.type("idef ad)<Left>")
    editor.shows("d(a, b|:")
    editor.type("<Tab>")
    editor.has("def add(a, b):")


def test_a_bracket_that_was_closed_after_the_answer_is_replaced_too(
    editor: Neovim, server: Stub
) -> None:
    server.offers("f(a)")
    editor.lua("vim.keymap.set('i', '(', '()<Left>')")
    editor.type("if")
    editor.shows("(a)")
    server.held = True
    editor.type("(")
    editor.shows("a")
    editor.type("<Tab>")
    editor.has("f(a)")


def test_a_word_can_be_taken_and_the_rest_stays(offered: Neovim, server: Stub) -> None:
    server.held = True
    offered.type("<M-Right>")
    offered.has("def add")
    offered.shows("(a, b):\n    return a + b")
    [partial] = server.wait_for("textDocument/didPartiallyAcceptCompletion")
    assert partial["acceptedLength"] == len(" add")


def test_a_line_can_be_taken_and_then_the_next(offered: Neovim, server: Stub) -> None:
    server.held = True
    offered.type("<M-C-Right>")
    offered.has("def add(a, b):")
    offered.shows("\n    return a + b")
    offered.type("<M-C-Right>")
    offered.has(ADD)
    [command] = server.wait_for("workspace/executeCommand")
    assert command["command"] == "copilotd.accept"


def test_a_word_before_a_closed_bracket_leaves_the_bracket(editor: Neovim, server: Stub) -> None:
    server.complete = lambda before, after: (
        {"insertText": "a, b):", "covers": 1} if before == "f(" else None
    )
    editor.type("if()<Left>")
    editor.shows("a, b|:")
    server.held = True
    editor.type("<M-Right>")
    editor.has("f(a)")
    editor.shows(", b|:")
    editor.type("<Tab>")
    editor.has("f(a, b):")


def test_partial_lengths_count_utf_16_units(editor: Neovim, server: Stub) -> None:
    server.complete = lambda before, after: {"insertText": "𝄞ä b"}
    editor.type("ix")
    editor.shows("𝄞ä b")
    editor.type("<M-Right>")
    [partial] = server.wait_for("textDocument/didPartiallyAcceptCompletion")
    assert partial["acceptedLength"] == 3


def test_one_undo_removes_exactly_one_suggestion(offered: Neovim) -> None:
    offered.type("<Tab>")
    offered.has(ADD)
    offered.type("xyz<Esc>")
    offered.has(ADD + "xyz")
    offered.type("u")
    offered.has(ADD)
    offered.type("u")
    offered.has("def")
    offered.type("u")
    offered.has("")
    offered.type("<C-r><C-r>")
    offered.has(ADD)


def test_dismissing_takes_it_away_until_something_changes(offered: Neovim, server: Stub) -> None:
    offered.type("<C-]>")
    offered.shows("")
    [command] = server.wait_for("workspace/executeCommand")
    assert (command["command"], command["arguments"]) == ("copilotd.reject", ["def"])
    offered.type(" ")
    offered.shows("add(a, b):\n    return a + b")


def test_tab_without_ghost_text_is_a_tab(editor: Neovim) -> None:
    editor.type("i<Tab>x")
    editor.has("    x")


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
def test_tab_without_ghost_text_does_what_it_did_before(
    connect: Start, server: Stub, tmp_path: Path, mapping: str, when: str
) -> None:
    server.offers(ADD)
    editor = connect(before=mapping if when == "before" else "")
    editor.edit(tmp_path / "a.py")
    if when == "after":
        editor.lua(mapping)
    editor.type("i<C-]><Tab>")
    editor.has("mapped")
    editor.type("<C-u>def")
    editor.shows(" add(a, b):\n    return a + b")
    editor.type("<Tab>")
    editor.has(ADD)


def test_a_map_of_the_buffer_itself_is_kept(connect: Start, server: Stub, tmp_path: Path) -> None:
    editor = connect(
        before="""
        vim.api.nvim_create_autocmd('FileType', { callback = function()
          vim.keymap.set('i', '<Tab>', 'local', { buffer = true })
        end })
        """
    )
    editor.edit(tmp_path / "a.py")
    editor.type("i<Tab>")
    editor.has("local")


def test_tab_jumps_in_a_snippet_as_neovim_does(editor: Neovim) -> None:
    editor.type("i")
    editor.lua("vim.snippet.expand('f($1, $2)')")
    editor.type("a<Tab>b")
    editor.has("f(a, b)")


def test_keys_can_be_changed_and_left_out(connect: Start, server: Stub, tmp_path: Path) -> None:
    server.offers(ADD)
    editor = connect(
        after="require('copilotd').setup({ keymaps = { accept = '<C-l>', accept_word = false } })"
    )
    editor.edit(tmp_path / "a.py")
    editor.type("idef")
    editor.shows(" add(a, b):\n    return a + b")
    assert editor.lua("return vim.fn.maparg('<M-Right>', 'i')") == ""
    editor.type("<C-l>")
    editor.has(ADD)


def test_plug_names_can_be_mapped(offered: Neovim) -> None:
    offered.lua("vim.keymap.set('i', '<C-l>', '<Plug>(copilotd-accept-line)')")
    offered.type("<C-l>")
    offered.has("def add(a, b):")
