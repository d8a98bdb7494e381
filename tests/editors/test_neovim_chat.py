"""Chat in Neovim."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.editors.fake_language_server import HOLD, FakeServer
from tests.editors.neovim import Neovim

CODE = "def add(a, b):\n    return a + b\n"


def answer_in_pieces(server: FakeServer, *pieces: str) -> Callable[[Any], Any]:
    """Return a handler that answers with these pieces."""

    def answer(params: Any) -> Any:
        server.send_progress(params, *pieces)
        return {"content": "".join(pieces), "finishReason": "stop", "model": "stub"}

    return answer


@pytest.fixture
def code_editor(editor: Neovim, tmp_path: Path) -> Neovim:
    editor.command(f"cd {tmp_path}")
    editor.edit(tmp_path / "sums.py", CODE)
    return editor


def test_a_question_is_answered_in_pieces(code_editor: Neovim, server: FakeServer) -> None:
    server.answers["copilotd/chat"] = answer_in_pieces(server, "It ad", "ds.\n", "\nTwice.")
    code_editor.command("Copilotd chat")
    assert code_editor.lua("return vim.bo.filetype") == "markdown"
    code_editor.type("iWhy?<Esc><CR>")
    code_editor.wait_for_text("## You\n\nWhy?\n\n## copilotd\n\nIt adds.\n\nTwice.\n\n## You\n\n")
    [params] = server.list_params("copilotd/chat")
    assert params["messages"] == [{"role": "user", "content": "Why?"}]


def test_writing_the_buffer_sends_the_question_with_the_conversation(
    code_editor: Neovim, server: FakeServer
) -> None:
    server.answers["copilotd/chat"] = answer_in_pieces(server, "Yes.")
    code_editor.command("Copilotd chat")
    code_editor.type("iOne?<Esc>:w<CR>")
    code_editor.wait_for_text("## You\n\nOne?\n\n## copilotd\n\nYes.\n\n## You\n\n")
    code_editor.type("iTwo?<Esc>:w<CR>")
    _, params = server.wait_for("copilotd/chat", 2)
    assert [message["content"] for message in params["messages"]] == ["One?", "Yes.", "Two?"]


def test_a_selection_is_explained(code_editor: Neovim, server: FakeServer) -> None:
    server.answers["copilotd/chat"] = answer_in_pieces(server, "It adds.")
    code_editor.type("jV:Copilotd explain<CR>")
    code_editor.wait_for_text(
        "## You\n\n/explain\n\n*sums.py:2-2*\n\n## copilotd\n\nIt adds.\n\n## You\n\n"
    )
    [params] = server.list_params("copilotd/chat")
    code = {"path": "sums.py", "language": "python", "line": 1, "text": "    return a + b\n"}
    [message] = params["messages"]
    assert (message["command"], message["content"], message["code"]) == ("explain", "", code)


@pytest.mark.parametrize("command", ["explain", "fix", "tests", "doc"])
def test_a_chat_may_begin_with_a_command(
    code_editor: Neovim, server: FakeServer, command: str
) -> None:
    code_editor.type("VG:Copilotd chat<CR>")
    code_editor.type(f"i/{command} it please<Esc><CR>")
    [message] = server.wait_for("copilotd/chat")[0]["messages"]
    assert (message["command"], message["content"]) == (command, "it please")
    assert message["code"]["text"] == CODE


def test_diagnostics_of_the_selection_are_sent(code_editor: Neovim, server: FakeServer) -> None:
    code_editor.lua("""
    local one = { lnum = 1, col = 4, message = 'a is not defined' }
    local other = { lnum = 0, col = 0, message = 'elsewhere' }
    vim.diagnostic.set(vim.api.nvim_create_namespace('lint'), 0, { one, other })
    """)
    code_editor.command("2Copilotd explain")
    [message] = server.wait_for("copilotd/chat")[0]["messages"]
    assert message["diagnostics"] == ["Line 2: a is not defined"]


def test_pieces_of_an_answer_are_shown_at_once_and_stay_after_a_stop(
    code_editor: Neovim, server: FakeServer
) -> None:
    def answer(params: Any) -> Any:
        server.send_progress(params, "It ad")
        return HOLD

    server.answers["copilotd/chat"] = answer
    code_editor.command("Copilotd chat")
    code_editor.type("iWhy?<Esc><CR>")
    code_editor.wait_for_text("## You\n\nWhy?\n\n## copilotd\n\nIt ad")
    code_editor.type("<C-c>")
    code_editor.wait_for_text("## You\n\nWhy?\n\n## copilotd\n\nIt ad\n\n## You\n\n")
    server.wait_for("$/cancelRequest")


def test_an_error_is_shown_and_its_question_is_dropped(
    code_editor: Neovim, server: FakeServer
) -> None:
    server.answers["copilotd/chat"] = lambda params: RuntimeError("the prompt is too long")
    code_editor.command("Copilotd chat")
    code_editor.type("iWhy?<Esc><CR>")
    code_editor.wait_for_text(
        "## You\n\nWhy?\n\n## copilotd\n\n*the prompt is too long*\n\n## You\n\n"
    )
    code_editor.type("iAgain?<Esc><CR>")
    _, params = server.wait_for("copilotd/chat", 2)
    assert [message["content"] for message in params["messages"]] == ["Again?"]


def test_a_code_block_is_inserted_into_the_file(code_editor: Neovim, server: FakeServer) -> None:
    server.answers["copilotd/chat"] = answer_in_pieces(
        server, "So:\n```python\nprint(1)\n```\nDone."
    )
    code_editor.command("Copilotd chat")
    code_editor.type("iHow?<Esc><CR>")
    code_editor.wait_until(
        code_editor.read_text, lambda text: "Done." in text and text.endswith("## You\n\n")
    )
    code_editor.type("?print<CR>gp")
    code_editor.wait_for_text("def add(a, b):\nprint(1)\n    return a + b")


DIFF = "--- a/sums.py\n+++ b/sums.py\n@@ -1 +1 @@\n-def add(a, b):\n+def sum(a, b):\n"
QUESTION = {"id": "7", "tool": "apply_edit", "title": "Edit sums.py", "diff": DIFF, "command": ""}


@pytest.fixture
def choice_editor(code_editor: Neovim) -> Neovim:
    """An editor whose user always picks the item with the number `vim.g.choice`."""
    code_editor.lua("""
    vim.g.choice = 1
    vim.ui.select = function(items, options, choose)
      vim.g.prompt = options.prompt
      vim.g.labels = vim.tbl_map(options.format_item, items)
      choose(items[vim.g.choice])
    end
    """)
    return code_editor


@pytest.mark.parametrize(
    ("choice", "decision"), [(1, "once"), (2, "session"), (3, "deny"), (4, "deny")]
)
def test_a_tool_call_is_shown_and_the_user_decides(
    choice_editor: Neovim, server: FakeServer, choice: int, decision: str
) -> None:
    server.answers["copilotd/chat"] = lambda params: HOLD
    choice_editor.lua("vim.g.choice = ...", choice)
    choice_editor.command("Copilotd tools")
    choice_editor.command("Copilotd chat")
    choice_editor.type("iDo it.<Esc><CR>")
    assert server.wait_for("copilotd/chat")[0]["tools"] is True
    assert server.wait_for_reply(server.send_request("copilotd/approve", QUESTION)) == {
        "decision": decision
    }
    choice_editor.wait_for_text(f"## You\n\nDo it.\n\n## copilotd\n\n```diff\n{DIFF}```\n\n")
    assert choice_editor.lua("return vim.g.prompt") == "copilotd: Edit sums.py?"
    labels = ["Allow", "Allow for this session", "Deny"]
    assert choice_editor.lua("return vim.g.labels") == labels


def test_tool_results_are_sent_with_the_next_question_and_can_be_undone(
    code_editor: Neovim, server: FakeServer
) -> None:
    added = [
        {"role": "assistant", "calls": [{"id": "7", "name": "apply_edit", "arguments": "{}"}]},
        {"role": "tool", "callId": "7", "content": "sums.py was changed."},
        {"role": "assistant", "content": "Done."},
    ]

    def answer(params: Any) -> Any:
        result = {"id": "7", "title": "Edit sums.py", "isFailure": False, "canUndo": True}
        value = {"result": {**result, "text": "sums.py was changed."}}
        server.notify("$/progress", {"token": params["partialResultToken"], "value": value})
        server.send_progress(params, "Done.")
        return {"content": "Done.", "finishReason": "stop", "model": "stub", "messages": added}

    server.answers["copilotd/chat"] = answer
    code_editor.command("Copilotd chat")
    code_editor.type("iDo it.<Esc><CR>")
    code_editor.wait_for_text(
        "## You\n\nDo it.\n\n## copilotd\n\n*Edit sums.py*\n\nDone.\n\n## You\n\n"
    )
    code_editor.type("iThanks.<Esc><CR>")
    _, params = server.wait_for("copilotd/chat", 2)
    assert params["messages"][1:4] == added
    code_editor.command("Copilotd undo")
    assert server.wait_for("copilotd/undoEdit") == [{"id": "7"}]


def test_a_file_that_a_tool_edits_is_saved_unless_it_had_unsaved_changes(
    code_editor: Neovim, server: FakeServer, tmp_path: Path
) -> None:
    def change() -> str:
        start = {"line": 0, "character": 0}
        edit = {"range": {"start": start, "end": start}, "newText": "# new\n"}
        uri = (tmp_path / "sums.py").as_uri()
        return server.send_request("workspace/applyEdit", {"edit": {"changes": {uri: [edit]}}})

    code_editor.command("write")
    assert server.wait_for_reply(change())["applied"] is True
    assert (tmp_path / "sums.py").read_text() == f"# new\n{CODE}"
    code_editor.type("Go# mine<Esc>")
    assert server.wait_for_reply(change())["applied"] is True
    assert (tmp_path / "sums.py").read_text() == f"# new\n{CODE}"
    assert code_editor.read_text() == f"# new\n# new\n{CODE}# mine"


def test_a_request_of_the_server_for_diagnostics_is_answered(
    code_editor: Neovim, server: FakeServer, tmp_path: Path
) -> None:
    code_editor.lua("""
    local one = { lnum = 1, col = 4, message = 'a is not defined', severity = 2 }
    vim.diagnostic.set(vim.api.nvim_create_namespace('lint'), 0, { one })
    """)
    line = "sums.py:2:5: warn: a is not defined"
    for uri in ((tmp_path / "sums.py").as_uri(), None):
        reply = server.wait_for_reply(server.send_request("copilotd/diagnostics", {"uri": uri}))
        assert reply == {"diagnostics": [line]}


def test_the_model_that_answers_is_shown(code_editor: Neovim, server: FakeServer) -> None:
    status = {"alias": "coder", "state": {"phase": "ready"}, "model": {"n_ctx": 8192}, "pid": 1}
    server.answers["workspace/executeCommand"] = lambda params: status
    code_editor.command("Copilotd model")
    shown = code_editor.wait_until(code_editor.read_text, lambda text: "coder" in text)
    assert "8192" in shown
    assert "pid" not in shown


def test_closing_the_chat_in_the_only_window_brings_the_file_back(code_editor: Neovim) -> None:
    code_editor.command("Copilotd chat")
    code_editor.command("only")
    code_editor.type("q")
    code_editor.wait_for_text(CODE.rstrip("\n"))
