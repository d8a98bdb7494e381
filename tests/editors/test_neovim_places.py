"""Places in Neovim that are not a cursor in a file: their ghost text is right, or there is none.

An input method's composition is not tested: Neovim gets the composed text from its terminal only
when it is whole.
"""

from pathlib import Path

import pytest

from tests.editors.conftest import Start
from tests.editors.fake_language_server import FakeServer
from tests.editors.neovim import Neovim

REQUEST = "textDocument/inlineCompletion"


def offer_everywhere(server: FakeServer) -> None:
    server.complete = lambda before, after: {"insertText": " + ghost"}


def count_requests_after(editor: Neovim, server: FakeServer) -> int:
    """Count the requests until the server has got everything that the editor has sent."""
    editor.lua("vim.lsp.get_clients({ name = 'copilotd' })[1]:notify('test/done')")
    server.wait_for("test/done")
    return len(server.list_params(REQUEST))


def test_visual_mode_gets_no_ghost_text(editor: Neovim, server: FakeServer) -> None:
    offer_everywhere(server)
    editor.type("iword")
    editor.wait_for_ghost_text(" + ghost")
    editor.type("<Esc>")
    editor.wait_for_ghost_text("")
    requests = len(server.list_params(REQUEST))
    editor.type("viw")
    editor.wait_until(lambda: editor.lua("return vim.fn.mode() == 'v'"))
    assert count_requests_after(editor, server) == requests
    assert editor.read_ghost_text() == ""


def test_a_snippet_that_is_filled_in_gets_no_ghost_text(editor: Neovim, server: FakeServer) -> None:
    offer_everywhere(server)
    editor.type("i")
    editor.wait_for_ghost_text(" + ghost")
    editor.lua("vim.snippet.expand('f(${1:a}, ${2:b})$0')")
    editor.type("x")
    editor.wait_for_text("f(x, b)")
    editor.wait_for_ghost_text("")
    editor.lua("vim.snippet.jump(1)")
    editor.type("yy")
    editor.wait_for_text("f(x, yy)")
    assert editor.read_ghost_text() == ""


def test_after_the_last_stop_of_a_snippet_ghost_text_appears(
    editor: Neovim, server: FakeServer
) -> None:
    offer_everywhere(server)
    editor.type("i")
    editor.lua("vim.snippet.expand('f(${1:a})$0')")
    editor.type("x")
    editor.wait_for_text("f(x)")
    editor.lua("vim.snippet.jump(1)")
    editor.type(";")
    editor.wait_for_text("f(x);")
    editor.wait_for_ghost_text(" + ghost")


def test_a_snippet_gets_ghost_text_when_the_user_asks(editor: Neovim, server: FakeServer) -> None:
    offer_everywhere(server)
    editor.type("i")
    editor.lua("vim.snippet.expand('f(${1:a}, ${2:b})$0')")
    editor.type("x")
    editor.wait_for_text("f(x, b)")
    editor.type("<M-Bslash>")
    editor.wait_for_ghost_text(" + ghost")


def test_a_snippet_of_luasnip_gets_no_ghost_text(editor: Neovim, server: FakeServer) -> None:
    offer_everywhere(server)
    editor.type("ia")
    editor.wait_for_ghost_text(" + ghost")
    editor.lua("package.loaded.luasnip = { locally_jumpable = function() return true end }")
    editor.type("b")
    editor.wait_for_text("ab")
    editor.wait_for_ghost_text("")


@pytest.mark.parametrize(
    "option", ["buftype = 'nofile'", "buftype = 'prompt'", "modifiable = false"]
)
def test_a_buffer_that_is_no_file_gets_no_ghost_text(
    editor: Neovim, server: FakeServer, option: str
) -> None:
    offer_everywhere(server)
    editor.type("ia")
    editor.wait_for_ghost_text(" + ghost")
    requests = len(server.list_params(REQUEST))
    editor.lua(f"vim.bo.{option}; require('copilotd.ghost_text').refresh(0)")
    editor.lua("require('copilotd.ghost_text').refresh(vim.api.nvim_get_current_buf())")
    editor.wait_for_ghost_text("")
    editor.type("<M-Bslash>")
    editor.wait_until(editor.read_messages, lambda messages: "no suggestion here" in messages)
    assert count_requests_after(editor, server) == requests


def test_a_file_that_a_plugin_writes_gets_ghost_text(editor: Neovim, server: FakeServer) -> None:
    offer_everywhere(server)
    editor.lua("vim.bo.buftype = 'acwrite'")
    editor.type("ia")
    editor.wait_for_ghost_text(" + ghost")


def test_a_buffer_without_a_name_gets_ghost_text(
    connect: Start, server: FakeServer, tmp_path: Path
) -> None:
    offer_everywhere(server)
    editor = connect()
    editor.command("set filetype=python")
    editor.wait_until(lambda: editor.lua("return #vim.lsp.get_clients({ bufnr = 0 }) == 1"))
    editor.type("ia")
    editor.wait_for_ghost_text(" + ghost")
    opened = server.wait_for("textDocument/didOpen")[0]["textDocument"]
    assert (opened["uri"], opened["languageId"]) == ("file://", "python")


def test_several_buffers_without_a_name_get_no_ghost_text(
    connect: Start, server: FakeServer
) -> None:
    offer_everywhere(server)
    editor = connect()
    for command in ("set filetype=python", "new | set filetype=python"):
        editor.command(command)
        editor.wait_until(lambda: editor.lua("return #vim.lsp.get_clients({ bufnr = 0 }) == 1"))
    editor.type("ia")
    editor.wait_for_text("a")
    assert count_requests_after(editor, server) == 0
    editor.type("<Esc>")
    editor.command("bdelete! 1")
    editor.type("ab")
    editor.wait_for_ghost_text(" + ghost")


def test_the_changed_side_of_a_diff_gets_ghost_text(
    editor: Neovim, server: FakeServer, tmp_path: Path
) -> None:
    offer_everywhere(server)
    old = tmp_path / "old.py"
    old.write_text("old\n")
    editor.command(f"diffsplit {old}")
    editor.command("setlocal buftype=nowrite")
    editor.type("ia")
    editor.wait_for_text("aold")
    editor.wait_for_ghost_text("")
    editor.type("<Esc><C-w>pia")
    editor.wait_for_ghost_text(" + ghost")


def test_code_that_the_text_has_its_own_copy_of_is_not_drawn_again(
    editor: Neovim, server: FakeServer
) -> None:
    server.complete = lambda before, after: (
        {"insertText": 'INFO, "full")  # log', "covers": 7} if after == '"full")' else None
    )
    editor.type('ilog("full")' + "<Left>" * 7)
    editor.wait_for_ghost_text("INFO, |  # log")
    assert editor.read_screen()[0] == 'log(INFO, "full")  # log'
    editor.type("<Tab>")
    editor.wait_for_text('log(INFO, "full")  # log')
