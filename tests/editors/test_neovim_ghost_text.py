"""Ghost text in Neovim: what is drawn, and when it is requested."""

from pathlib import Path
from typing import Any

import pytest

from tests.editors.conftest import Start
from tests.editors.fake_language_server import FakeServer, count_units
from tests.editors.neovim import Neovim

ADD = "def add(a, b):\n    return a + b"


def test_ghost_text_appears_while_typing(editor: Neovim, server: FakeServer) -> None:
    server.offer(ADD)
    editor.type("idef ad")
    editor.wait_for_ghost_text("d(a, b):\n    return a + b")
    assert editor.read_text() == "def ad"


def test_ghost_text_is_drawn_after_the_cursor_and_below(editor: Neovim, server: FakeServer) -> None:
    server.offer(ADD)
    editor.type("idef ad")
    editor.wait_for_ghost_text("d(a, b):\n    return a + b")
    assert editor.read_screen()[:3] == ["def add(a, b):", "    return a + b", "~"]


def test_the_server_is_notified_that_ghost_text_was_drawn(
    editor: Neovim, server: FakeServer
) -> None:
    server.offer(ADD)
    editor.type("idef")
    assert server.wait_for("textDocument/didShowCompletion")[0]["item"]["insertText"]


def test_the_client_declares_inline_completion(editor: Neovim, server: FakeServer) -> None:
    capabilities = server.wait_for("initialize")[0]["capabilities"]
    assert "inlineCompletion" in capabilities["textDocument"]


def test_ghost_text_does_not_flicker_while_the_user_types_it(
    editor: Neovim, server: FakeServer
) -> None:
    server.offer("def add(a, b):")
    editor.type("i")
    editor.wait_for_ghost_text("def add(a, b):")
    screen = editor.watch()
    for count, key in enumerate("def add(", start=2):
        editor.type(key)
        server.wait_for("textDocument/didShowCompletion", count)
    editor.wait_for_ghost_text("a, b):")
    assert screen.list_cursor_columns(0)[-1] == len("def add(")
    assert set(screen.list_row_texts(0)) == {"def add(a, b):"}


def test_partial_ghost_text_grows_when_the_server_has_more(
    editor: Neovim, server: FakeServer, tmp_path: Path
) -> None:
    server.offer("def add(a, b):")
    editor.type("i")
    editor.wait_for_ghost_text("def add(a, b):")
    screen = editor.watch()
    server.offer(ADD)
    document = {"uri": (tmp_path / "a.py").as_uri(), "version": 1}
    server.notify("copilotd/longerCompletion", {"textDocument": document})
    editor.wait_for_ghost_text(ADD)
    assert set(screen.list_row_texts(0)) == {"def add(a, b):"}


def test_dismissed_ghost_text_is_not_requested_again_when_it_grows(
    editor: Neovim, server: FakeServer, tmp_path: Path
) -> None:
    server.offer(ADD)
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")
    editor.type("<C-]>")
    editor.wait_for_ghost_text("")
    requests_before = len(server.list_params("textDocument/inlineCompletion"))
    document = {"uri": (tmp_path / "a.py").as_uri(), "version": 1}
    server.notify("copilotd/longerCompletion", {"textDocument": document})
    # The server handles messages in order: it has handled the one before when it gets this one.
    server.notify("copilotd/status", {"phase": "loading", "detail": "", "fraction": None})
    editor.wait_until(lambda: editor.lua("return (require('copilotd.status').current or {}).phase"))
    assert len(server.list_params("textDocument/inlineCompletion")) == requests_before


def test_ghost_text_is_redrawn_before_the_next_answer_arrives(
    editor: Neovim, server: FakeServer
) -> None:
    server.offer(ADD)
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")
    server.held = True
    editor.type(" a")
    editor.wait_for_ghost_text("dd(a, b):\n    return a + b")


def test_typing_other_text_hides_the_ghost_text_at_once(editor: Neovim, server: FakeServer) -> None:
    server.offer(ADD)
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")
    server.held = True
    editor.type("x")
    editor.wait_for_ghost_text("")


def test_a_superseded_request_is_cancelled(editor: Neovim, server: FakeServer) -> None:
    server.held = True
    editor.type("id")
    server.wait_for("textDocument/inlineCompletion", 2)
    editor.type("e")
    server.wait_for("textDocument/inlineCompletion", 3)
    requests = [m for m in server.received if m["method"] == "textDocument/inlineCompletion"]
    cancelled = [params["id"] for params in server.wait_for("$/cancelRequest", 2)]
    assert cancelled == [request["id"] for request in requests[:2]]


def test_an_answer_for_an_earlier_text_is_dropped(editor: Neovim, server: FakeServer) -> None:
    server.offer(ADD)
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


def test_leaving_insert_mode_hides_the_ghost_text_and_cancels_the_request(
    editor: Neovim, server: FakeServer
) -> None:
    server.offer(ADD)
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")
    editor.type("<Esc>")
    editor.wait_for_ghost_text("")


def test_returning_to_the_same_place_shows_the_ghost_text_again(
    editor: Neovim, server: FakeServer
) -> None:
    server.offer(ADD)
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")
    editor.type("<Esc>a")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")


def test_a_server_that_attaches_late_gets_a_request_while_the_user_types(
    connect: Start, server: FakeServer, tmp_path: Path
) -> None:
    server.offer(ADD)
    editor = connect(after="")
    editor.edit(tmp_path / "a.py", attached=False)
    editor.type("idef")
    editor.wait_for_text("def")
    editor.lua("vim.lsp.enable('copilotd')")
    editor.wait_for_ghost_text(" add(a, b):\n    return a + b")


def test_an_existing_bracket_is_not_drawn_again(editor: Neovim, server: FakeServer) -> None:
    server.complete = lambda before, after: (
        {"insertText": "d(a, b):", "covers": 1} if after == ")" else None
    )
    editor.type("idef ad)<Left>")
    editor.wait_for_ghost_text("d(a, b|:")
    assert editor.read_screen()[0] == "def add(a, b):"


def test_a_bracket_that_would_move_to_another_line_is_hidden(
    editor: Neovim, server: FakeServer
) -> None:
    server.complete = lambda before, after: (
        {"insertText": "\n    a,\n)", "covers": 1} if after == ")" else None
    )
    editor.type("if()<Left>")
    editor.wait_for_ghost_text("\n    a,\n)")
    assert editor.read_screen()[:3] == ["f(", "    a,", ")"]


def test_tabs_are_drawn_with_their_final_width(editor: Neovim, server: FakeServer) -> None:
    server.offer("if x:\n\treturn\t1")
    editor.lua("vim.bo.tabstop = 4")
    editor.type("iif")
    editor.wait_until(editor.read_ghost_text)
    assert editor.read_screen()[:2] == ["if x:", "    return  1"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_columns_are_counted_in_the_agreed_encoding(
    connect: Start, server: FakeServer, tmp_path: Path, encoding: str
) -> None:
    server.encoding = encoding
    before = 's = "ä𝄞" + ('
    server.complete = lambda line, after: (
        {"insertText": '"é") # 𝄞', "covers": 1} if (line, after) == (before, ")") else None
    )
    editor = connect()
    editor.edit(tmp_path / "a.py")
    editor.type(f"i{before})<Left>")
    editor.wait_until(editor.read_ghost_text)
    last: Any = server.list_params("textDocument/inlineCompletion")[-1]
    assert last["position"]["character"] == count_units(before, encoding)
    editor.type("<Tab>")
    editor.wait_for_text(before + '"é") # 𝄞')


def test_the_open_completion_menu_hides_the_ghost_text(editor: Neovim, server: FakeServer) -> None:
    server.complete = lambda before, after: {"insertText": " + ghost"}
    editor.type("iword<CR>wool<CR>wo")
    editor.wait_for_ghost_text(" + ghost")
    editor.type("<C-n>")
    editor.wait_until(lambda: editor.lua("return vim.fn.pumvisible()"))
    editor.wait_for_ghost_text("")
    editor.type("<C-y>")
    editor.wait_for_ghost_text(" + ghost")


@pytest.mark.parametrize(
    ("module", "method"), [("cmp", "visible"), ("blink.cmp", "is_menu_visible")]
)
def test_the_menu_of_a_plugin_hides_the_ghost_text(
    editor: Neovim, server: FakeServer, module: str, method: str
) -> None:
    server.complete = lambda before, after: {"insertText": " + ghost"}
    editor.type("ia")
    editor.wait_for_ghost_text(" + ghost")
    editor.lua(
        "local m, f = ...; package.loaded[m] = { [f] = function() return true end }", module, method
    )
    editor.type("b")
    editor.wait_for_ghost_text("")


def test_a_menu_that_opens_later_hides_the_ghost_text(editor: Neovim, server: FakeServer) -> None:
    server.complete = lambda before, after: {"insertText": " + ghost"}
    editor.type("ia")
    editor.wait_for_ghost_text(" + ghost")
    editor.lua("""
    package.loaded['blink.cmp'] = { is_menu_visible = function() return open end }
    open = true
    vim.api.nvim_exec_autocmds('User', { pattern = 'BlinkCmpMenuOpen' })
    """)
    editor.wait_for_ghost_text("")
    editor.lua(
        "open = false; vim.api.nvim_exec_autocmds('User', { pattern = 'BlinkCmpMenuClose' })"
    )
    editor.wait_for_ghost_text(" + ghost")


def test_the_server_is_notified_when_a_file_gets_the_focus(
    editor: Neovim, server: FakeServer, tmp_path: Path
) -> None:
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


def test_another_server_that_detaches_keeps_the_ghost_text(
    editor: Neovim, server: FakeServer
) -> None:
    server.offer("def add(a, b):")
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):")
    assert editor.lua(_OTHER_SERVER_COMES_AND_GOES)
    assert editor.read_ghost_text() == " add(a, b):"
