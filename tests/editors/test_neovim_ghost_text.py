"""Ghost text in Neovim: what is drawn, and when it is asked for."""

from pathlib import Path
from typing import Any

import pytest

from tests.editors.conftest import Start
from tests.editors.fake_language_server import Stub, units
from tests.editors.neovim import Neovim

ADD = "def add(a, b):\n    return a + b"


def test_ghost_text_appears_while_typing(editor: Neovim, server: Stub) -> None:
    server.offers(ADD)
    editor.type("idef ad")
    editor.shows("d(a, b):\n    return a + b")
    assert editor.text() == "def ad"


def test_the_screen_shows_it_behind_the_cursor_and_below(editor: Neovim, server: Stub) -> None:
    server.offers(ADD)
    editor.type("idef ad")
    editor.shows("d(a, b):\n    return a + b")
    assert editor.screen()[:3] == ["def add(a, b):", "    return a + b", "~"]


def test_the_server_learns_that_it_was_drawn(editor: Neovim, server: Stub) -> None:
    server.offers(ADD)
    editor.type("idef")
    assert server.wait_for("textDocument/didShowCompletion")[0]["item"]["insertText"]


def test_the_client_declares_inline_completion(editor: Neovim, server: Stub) -> None:
    capabilities = server.wait_for("initialize")[0]["capabilities"]
    assert "inlineCompletion" in capabilities["textDocument"]


def test_what_is_typed_along_stays_on_the_screen_without_flicker(
    editor: Neovim, server: Stub
) -> None:
    server.offers("def add(a, b):")
    editor.type("i")
    editor.shows("def add(a, b):")
    screen = editor.watch()
    for count, key in enumerate("def add(", start=2):
        editor.type(key)
        server.wait_for("textDocument/didShowCompletion", count)
    editor.shows("a, b):")
    assert screen.cursors(0)[-1] == len("def add(")
    assert set(screen.frames(0)) == {"def add(a, b):"}


def test_a_piece_grows_when_the_server_has_more(
    editor: Neovim, server: Stub, tmp_path: Path
) -> None:
    server.offers("def add(a, b):")
    editor.type("i")
    editor.shows("def add(a, b):")
    screen = editor.watch()
    server.offers(ADD)
    document = {"uri": (tmp_path / "a.py").as_uri(), "version": 1}
    server.notify("copilotd/longerCompletion", {"textDocument": document})
    editor.shows(ADD)
    assert set(screen.frames(0)) == {"def add(a, b):"}


def test_more_of_what_was_dismissed_is_not_asked_for(
    editor: Neovim, server: Stub, tmp_path: Path
) -> None:
    server.offers(ADD)
    editor.type("idef")
    editor.shows(" add(a, b):\n    return a + b")
    editor.type("<C-]>")
    editor.shows("")
    asked = len(server.all("textDocument/inlineCompletion"))
    document = {"uri": (tmp_path / "a.py").as_uri(), "version": 1}
    server.notify("copilotd/longerCompletion", {"textDocument": document})
    # Messages are taken in their order, so the one before has been when this one is seen.
    server.notify("copilotd/status", {"phase": "loading", "detail": "", "fraction": None})
    editor.until(lambda: editor.lua("return (require('copilotd.status').current or {}).phase"))
    assert len(server.all("textDocument/inlineCompletion")) == asked


def test_ghost_text_is_redrawn_before_the_new_answer_comes(editor: Neovim, server: Stub) -> None:
    server.offers(ADD)
    editor.type("idef")
    editor.shows(" add(a, b):\n    return a + b")
    server.held = True
    editor.type(" a")
    editor.shows("dd(a, b):\n    return a + b")


def test_other_text_takes_the_ghost_text_away_at_once(editor: Neovim, server: Stub) -> None:
    server.offers(ADD)
    editor.type("idef")
    editor.shows(" add(a, b):\n    return a + b")
    server.held = True
    editor.type("x")
    editor.shows("")


def test_a_superseded_request_is_cancelled(editor: Neovim, server: Stub) -> None:
    server.held = True
    editor.type("id")
    server.wait_for("textDocument/inlineCompletion", 2)
    editor.type("e")
    server.wait_for("textDocument/inlineCompletion", 3)
    requests = [m for m in server.received if m["method"] == "textDocument/inlineCompletion"]
    cancelled = [params["id"] for params in server.wait_for("$/cancelRequest", 2)]
    assert cancelled == [request["id"] for request in requests[:2]]


def test_an_answer_for_an_earlier_text_is_dropped(editor: Neovim, server: Stub) -> None:
    server.offers(ADD)
    server.held = True
    server.answers["test/release"] = lambda params: server.release()
    editor.type("idef")
    server.wait_for("textDocument/inlineCompletion")
    marks = editor.lua("""
    local client = vim.lsp.get_clients({ name = 'copilotd' })[1]
    vim.api.nvim_buf_set_lines(0, 1, 1, false, { 'by a program' })
    client:notify('test/release')
    assert(vim.wait(5000, function() return vim.tbl_isempty(client.requests) end, 5))
    return vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('copilotd'), 0, -1, {})
    """)
    assert marks == []


def test_leaving_insert_mode_takes_it_away_and_cancels(editor: Neovim, server: Stub) -> None:
    server.offers(ADD)
    editor.type("idef")
    editor.shows(" add(a, b):\n    return a + b")
    editor.type("<Esc>")
    editor.shows("")


def test_coming_back_to_the_same_place_brings_it_back(editor: Neovim, server: Stub) -> None:
    server.offers(ADD)
    editor.type("idef")
    editor.shows(" add(a, b):\n    return a + b")
    editor.type("<Esc>a")
    editor.shows(" add(a, b):\n    return a + b")


def test_a_server_that_comes_late_is_asked_in_the_middle_of_typing(
    connect: Start, server: Stub, tmp_path: Path
) -> None:
    server.offers(ADD)
    editor = connect(after="")
    editor.edit(tmp_path / "a.py", attached=False)
    editor.type("idef")
    editor.has("def")
    editor.lua("vim.lsp.enable('copilotd')")
    editor.shows(" add(a, b):\n    return a + b")


def test_a_bracket_that_is_there_already_is_not_drawn_again(editor: Neovim, server: Stub) -> None:
    server.complete = lambda before, after: (
        {"insertText": "d(a, b):", "covers": 1} if after == ")" else None
    )
    editor.type("idef ad)<Left>")
    editor.shows("d(a, b|:")
    assert editor.screen()[0] == "def add(a, b):"


def test_a_bracket_that_moves_to_another_line_is_hidden(editor: Neovim, server: Stub) -> None:
    server.complete = lambda before, after: (
        {"insertText": "\n    a,\n)", "covers": 1} if after == ")" else None
    )
    editor.type("if()<Left>")
    editor.shows("\n    a,\n)")
    assert editor.screen()[:3] == ["f(", "    a,", ")"]


def test_tabs_are_drawn_as_wide_as_they_will_be(editor: Neovim, server: Stub) -> None:
    server.offers("if x:\n\treturn\t1")
    editor.lua("vim.bo.tabstop = 4")
    editor.type("iif")
    editor.until(editor.ghost)
    assert editor.screen()[:2] == ["if x:", "    return  1"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_columns_are_counted_as_agreed(
    connect: Start, server: Stub, tmp_path: Path, encoding: str
) -> None:
    server.encoding = encoding
    before = 's = "ä𝄞" + ('
    server.complete = lambda line, after: (
        {"insertText": '"é") # 𝄞', "covers": 1} if (line, after) == (before, ")") else None
    )
    editor = connect()
    editor.edit(tmp_path / "a.py")
    editor.type(f"i{before})<Left>")
    editor.until(editor.ghost)
    last: Any = server.all("textDocument/inlineCompletion")[-1]
    assert last["position"]["character"] == units(before, encoding)
    editor.type("<Tab>")
    editor.has(before + '"é") # 𝄞')


def test_the_open_completion_menu_hides_it(editor: Neovim, server: Stub) -> None:
    server.complete = lambda before, after: {"insertText": " + ghost"}
    editor.type("iword<CR>wool<CR>wo")
    editor.shows(" + ghost")
    editor.type("<C-n>")
    editor.until(lambda: editor.lua("return vim.fn.pumvisible()"))
    editor.shows("")
    editor.type("<C-y>")
    editor.shows(" + ghost")


@pytest.mark.parametrize(
    ("module", "method"), [("cmp", "visible"), ("blink.cmp", "is_menu_visible")]
)
def test_the_menu_of_a_plugin_hides_it(
    editor: Neovim, server: Stub, module: str, method: str
) -> None:
    server.complete = lambda before, after: {"insertText": " + ghost"}
    editor.type("ia")
    editor.shows(" + ghost")
    editor.lua(
        "local m, f = ...; package.loaded[m] = { [f] = function() return true end }", module, method
    )
    editor.type("b")
    editor.shows("")


def test_a_menu_that_opens_later_hides_it(editor: Neovim, server: Stub) -> None:
    server.complete = lambda before, after: {"insertText": " + ghost"}
    editor.type("ia")
    editor.shows(" + ghost")
    editor.lua("""
    package.loaded['blink.cmp'] = { is_menu_visible = function() return open end }
    open = true
    vim.api.nvim_exec_autocmds('User', { pattern = 'BlinkCmpMenuOpen' })
    """)
    editor.shows("")
    editor.lua(
        "open = false; vim.api.nvim_exec_autocmds('User', { pattern = 'BlinkCmpMenuClose' })"
    )
    editor.shows(" + ghost")


def test_turning_to_a_file_is_told(editor: Neovim, server: Stub, tmp_path: Path) -> None:
    editor.edit(tmp_path / "b.py")
    editor.command(f"buffer {tmp_path / 'a.py'}")
    uris = [params["textDocument"]["uri"] for params in server.wait_for("textDocument/didFocus", 2)]
    assert (tmp_path / "a.py").as_uri() in uris


_OTHER_SERVER_COMES_AND_GOES = """
local function server()
  return {
    request = function(_, _, answered)
      answered(nil, { capabilities = {} })
      return true, 1
    end,
    notify = function() return true end,
    is_closing = function() return false end,
    terminate = function() end,
  }
end
local id = vim.lsp.start({ name = 'other', cmd = server })
vim.wait(1000, function() return vim.lsp.buf_is_attached(0, id) end, 5)
local gone = false
vim.api.nvim_create_autocmd('LspDetach', { callback = function() gone = true end })
vim.lsp.buf_detach_client(0, id)
vim.wait(1000, function() return gone end, 5)
return gone
"""


def test_another_server_that_leaves_takes_nothing_away(editor: Neovim, server: Stub) -> None:
    server.offers("def add(a, b):")
    editor.type("idef")
    editor.shows(" add(a, b):")
    assert editor.lua(_OTHER_SERVER_COMES_AND_GOES)
    assert editor.ghost() == " add(a, b):"
