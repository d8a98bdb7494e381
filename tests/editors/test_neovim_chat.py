"""Chat in Neovim."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.editors.fake_language_server import HOLD, Stub
from tests.editors.neovim import Neovim

CODE = "def add(a, b):\n    return a + b\n"


def saying(server: Stub, *pieces: str) -> Callable[[Any], Any]:
    """An answer in pieces."""

    def answer(params: Any) -> Any:
        server.progress(params, *pieces)
        return {"content": "".join(pieces), "finishReason": "stop", "model": "stub"}

    return answer


@pytest.fixture
def coding(editor: Neovim, tmp_path: Path) -> Neovim:
    editor.command(f"cd {tmp_path}")
    editor.edit(tmp_path / "sums.py", CODE)
    return editor


def test_a_question_is_answered_in_pieces(coding: Neovim, server: Stub) -> None:
    server.answers["copilotd/chat"] = saying(server, "It ad", "ds.\n", "\nTwice.")
    coding.command("Copilotd chat")
    assert coding.lua("return vim.bo.filetype") == "markdown"
    coding.type("iWhy?<Esc><CR>")
    coding.has("## You\n\nWhy?\n\n## copilotd\n\nIt adds.\n\nTwice.\n\n## You\n\n")
    [params] = server.all("copilotd/chat")
    assert params["messages"] == [{"role": "user", "content": "Why?"}]


def test_writing_the_buffer_sends_too_and_the_conversation_goes_along(
    coding: Neovim, server: Stub
) -> None:
    server.answers["copilotd/chat"] = saying(server, "Yes.")
    coding.command("Copilotd chat")
    coding.type("iOne?<Esc>:w<CR>")
    coding.has("## You\n\nOne?\n\n## copilotd\n\nYes.\n\n## You\n\n")
    coding.type("iTwo?<Esc>:w<CR>")
    _, params = server.wait_for("copilotd/chat", 2)
    assert [message["content"] for message in params["messages"]] == ["One?", "Yes.", "Two?"]


def test_a_selection_is_explained(coding: Neovim, server: Stub) -> None:
    server.answers["copilotd/chat"] = saying(server, "It adds.")
    coding.type("jV:Copilotd explain<CR>")
    coding.has("## You\n\n/explain\n\n*sums.py:2-2*\n\n## copilotd\n\nIt adds.\n\n## You\n\n")
    [params] = server.all("copilotd/chat")
    code = {"path": "sums.py", "language": "python", "line": 1, "text": "    return a + b\n"}
    [message] = params["messages"]
    assert (message["command"], message["content"], message["code"]) == ("explain", "", code)


@pytest.mark.parametrize("command", ["explain", "fix", "tests", "doc"])
def test_a_command_may_be_written_in_the_chat(coding: Neovim, server: Stub, command: str) -> None:
    coding.type("VG:Copilotd chat<CR>")
    coding.type(f"i/{command} it please<Esc><CR>")
    [message] = server.wait_for("copilotd/chat")[0]["messages"]
    assert (message["command"], message["content"]) == (command, "it please")
    assert message["code"]["text"] == CODE


def test_diagnostics_of_the_selection_go_along(coding: Neovim, server: Stub) -> None:
    coding.lua("""
    local one = { lnum = 1, col = 4, message = 'a is not defined' }
    local other = { lnum = 0, col = 0, message = 'elsewhere' }
    vim.diagnostic.set(vim.api.nvim_create_namespace('lint'), 0, { one, other })
    """)
    coding.command("2Copilotd explain")
    [message] = server.wait_for("copilotd/chat")[0]["messages"]
    assert message["diagnostics"] == ["Line 2: a is not defined"]


def test_pieces_are_shown_at_once_and_stay_when_the_answer_is_stopped(
    coding: Neovim, server: Stub
) -> None:
    def answer(params: Any) -> Any:
        server.progress(params, "It ad")
        return HOLD

    server.answers["copilotd/chat"] = answer
    coding.command("Copilotd chat")
    coding.type("iWhy?<Esc><CR>")
    coding.has("## You\n\nWhy?\n\n## copilotd\n\nIt ad")
    coding.type("<C-c>")
    coding.has("## You\n\nWhy?\n\n## copilotd\n\nIt ad\n\n## You\n\n")
    server.wait_for("$/cancelRequest")


def test_an_error_is_told_and_the_question_forgotten(coding: Neovim, server: Stub) -> None:
    server.answers["copilotd/chat"] = lambda params: RuntimeError("the prompt is too long")
    coding.command("Copilotd chat")
    coding.type("iWhy?<Esc><CR>")
    coding.has("## You\n\nWhy?\n\n## copilotd\n\n*the prompt is too long*\n\n## You\n\n")
    coding.type("iAgain?<Esc><CR>")
    _, params = server.wait_for("copilotd/chat", 2)
    assert [message["content"] for message in params["messages"]] == ["Again?"]


def test_a_code_block_goes_into_the_file(coding: Neovim, server: Stub) -> None:
    server.answers["copilotd/chat"] = saying(server, "So:\n```python\nprint(1)\n```\nDone.")
    coding.command("Copilotd chat")
    coding.type("iHow?<Esc><CR>")
    coding.until(coding.text, lambda text: "Done." in text and text.endswith("## You\n\n"))
    coding.type("?print<CR>gp")
    coding.has("def add(a, b):\nprint(1)\n    return a + b")


DIFF = "--- a/sums.py\n+++ b/sums.py\n@@ -1 +1 @@\n-def add(a, b):\n+def sum(a, b):\n"
QUESTION = {"id": "7", "tool": "apply_edit", "title": "Edit sums.py", "diff": DIFF, "command": ""}


@pytest.fixture
def choosing(coding: Neovim) -> Neovim:
    """A user who takes what `vim.g.choice` says when there is a choice."""
    coding.lua("""
    vim.g.choice = 1
    vim.ui.select = function(items, options, choose)
      vim.g.prompt = options.prompt
      vim.g.labels = vim.tbl_map(options.format_item, items)
      choose(items[vim.g.choice])
    end
    """)
    return coding


@pytest.mark.parametrize(
    ("choice", "decision"), [(1, "once"), (2, "session"), (3, "deny"), (4, "deny")]
)
def test_what_a_tool_would_do_is_shown_and_the_user_decides(
    choosing: Neovim, server: Stub, choice: int, decision: str
) -> None:
    server.answers["copilotd/chat"] = lambda params: HOLD
    choosing.lua("vim.g.choice = ...", choice)
    choosing.command("Copilotd tools")
    choosing.command("Copilotd chat")
    choosing.type("iDo it.<Esc><CR>")
    assert server.wait_for("copilotd/chat")[0]["tools"] is True
    assert server.reply(server.ask("copilotd/approve", QUESTION)) == {"decision": decision}
    choosing.has(f"## You\n\nDo it.\n\n## copilotd\n\n```diff\n{DIFF}```\n\n")
    assert choosing.lua("return vim.g.prompt") == "copilotd: Edit sums.py?"
    labels = ["Allow", "Allow for this session", "Deny"]
    assert choosing.lua("return vim.g.labels") == labels


def test_what_tools_did_goes_with_the_next_question_and_can_be_taken_back(
    coding: Neovim, server: Stub
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
        server.progress(params, "Done.")
        return {"content": "Done.", "finishReason": "stop", "model": "stub", "messages": added}

    server.answers["copilotd/chat"] = answer
    coding.command("Copilotd chat")
    coding.type("iDo it.<Esc><CR>")
    coding.has("## You\n\nDo it.\n\n## copilotd\n\n*Edit sums.py*\n\nDone.\n\n## You\n\n")
    coding.type("iThanks.<Esc><CR>")
    _, params = server.wait_for("copilotd/chat", 2)
    assert params["messages"][1:4] == added
    coding.command("Copilotd undo")
    assert server.wait_for("copilotd/undoEdit") == [{"id": "7"}]


def test_a_file_that_a_tool_changes_is_saved_and_an_unsaved_one_is_not(
    coding: Neovim, server: Stub, tmp_path: Path
) -> None:
    def change() -> str:
        start = {"line": 0, "character": 0}
        edit = {"range": {"start": start, "end": start}, "newText": "# new\n"}
        uri = (tmp_path / "sums.py").as_uri()
        return server.ask("workspace/applyEdit", {"edit": {"changes": {uri: [edit]}}})

    coding.command("write")
    assert server.reply(change())["applied"] is True
    assert (tmp_path / "sums.py").read_text() == f"# new\n{CODE}"
    coding.type("Go# mine<Esc>")
    assert server.reply(change())["applied"] is True
    assert (tmp_path / "sums.py").read_text() == f"# new\n{CODE}"
    assert coding.text() == f"# new\n# new\n{CODE}# mine"


def test_the_servers_question_about_diagnostics_is_answered(
    coding: Neovim, server: Stub, tmp_path: Path
) -> None:
    coding.lua("""
    local one = { lnum = 1, col = 4, message = 'a is not defined', severity = 2 }
    vim.diagnostic.set(vim.api.nvim_create_namespace('lint'), 0, { one })
    """)
    line = "sums.py:2:5: warn: a is not defined"
    for uri in ((tmp_path / "sums.py").as_uri(), None):
        reply = server.reply(server.ask("copilotd/diagnostics", {"uri": uri}))
        assert reply == {"diagnostics": [line]}


def test_the_model_that_answers_is_shown(coding: Neovim, server: Stub) -> None:
    status = {"alias": "coder", "state": {"phase": "ready"}, "model": {"n_ctx": 8192}, "pid": 1}
    server.answers["workspace/executeCommand"] = lambda params: status
    coding.command("Copilotd model")
    shown = coding.until(coding.text, lambda text: "coder" in text)
    assert "8192" in shown
    assert "pid" not in shown


def test_closing_the_chat_in_the_only_window_brings_the_file_back(coding: Neovim) -> None:
    coding.command("Copilotd chat")
    coding.command("only")
    coding.type("q")
    coding.has(CODE.rstrip("\n"))
