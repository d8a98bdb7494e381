"""`:Copilotd` and `:checkhealth copilotd`."""

from typing import Any

import pytest

from tests.editors.fake_language_server import FakeServer
from tests.editors.neovim import Neovim


def test_subcommands_are_completed(editor: Neovim) -> None:
    found = editor.lua("return vim.fn.getcompletion('Copilotd e', 'cmdline')")
    assert found == ["edit", "explain", "explain-suggestion"]


def test_an_unknown_subcommand_is_reported(editor: Neovim) -> None:
    with pytest.raises(RuntimeError, match="there is no `:Copilotd nonsense`"):
        editor.command("Copilotd nonsense")


def test_the_last_suggestion_is_explained(editor: Neovim, server: FakeServer) -> None:
    def answer(params: Any) -> Any:
        assert params["command"] == "copilotd.lastCompletion"
        return {"status": "empty", "reason": "too long", "explanation": {"prompt": "a\nb"}}

    server.answers["workspace/executeCommand"] = answer
    editor.command("Copilotd explain-suggestion")
    editor.wait_for_text("explanation:\n  prompt:\n    a\n    b\nreason: too long\nstatus: empty")
    editor.type("q")
    editor.wait_for_text("")


def test_the_status_of_the_daemon_is_shown(editor: Neovim, server: FakeServer) -> None:
    server.answers["workspace/executeCommand"] = lambda params: {"version": "1", "pid": 7}
    editor.command("Copilotd")
    editor.wait_for_text("pid: 7\nversion: 1")


def test_a_restart_connects_again(editor: Neovim, server: FakeServer) -> None:
    server.offer("def add(a, b):")
    editor.command("Copilotd restart")
    server.wait_for("initialize", 2)
    editor.type("idef")
    editor.wait_for_ghost_text(" add(a, b):")


def test_the_health_check_reports_what_works_and_what_does_not(
    editor: Neovim, server: FakeServer
) -> None:
    failed = {"phase": "failed", "detail": "no memory", "fraction": None}
    server.notify("copilotd/status", failed)
    editor.wait_until(lambda: "failed" in editor.lua("return require('copilotd').status()"))
    editor.command("checkhealth copilotd")
    report = editor.read_text()
    assert "Neovim 0.11" in report
    assert "Attached to 1 buffers, positions in utf-8" in report
    assert "ERROR The model could not be loaded: no memory" in report
    assert "<Tab> accepts ghost text" in report


def test_the_health_check_reports_a_missing_executable(editor: Neovim) -> None:
    editor.lua("vim.lsp.config('copilotd', { cmd = { 'no-such-copilotd' } })")
    editor.command("checkhealth copilotd")
    assert "`no-such-copilotd` is not an executable" in editor.read_text()
