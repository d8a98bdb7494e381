"""`:Copilotd` and `:checkhealth copilotd`."""

from typing import Any

import pytest

from tests.editors.fake_language_server import Stub
from tests.editors.neovim import Neovim


def test_subcommands_are_completed(editor: Neovim) -> None:
    found = editor.lua("return vim.fn.getcompletion('Copilotd e', 'cmdline')")
    assert found == ["edit", "explain", "explain-suggestion"]


def test_an_unknown_subcommand_is_told(editor: Neovim) -> None:
    with pytest.raises(RuntimeError, match="there is no `:Copilotd nonsense`"):
        editor.command("Copilotd nonsense")


def test_the_last_suggestion_is_explained(editor: Neovim, server: Stub) -> None:
    def answer(params: Any) -> Any:
        assert params["command"] == "copilotd.lastCompletion"
        return {"status": "empty", "reason": "too long", "explanation": {"prompt": "a\nb"}}

    server.answers["workspace/executeCommand"] = answer
    editor.command("Copilotd explain-suggestion")
    editor.has("explanation:\n  prompt:\n    a\n    b\nreason: too long\nstatus: empty")
    editor.type("q")
    editor.has("")


def test_the_daemon_s_status_is_shown(editor: Neovim, server: Stub) -> None:
    server.answers["workspace/executeCommand"] = lambda params: {"version": "1", "pid": 7}
    editor.command("Copilotd")
    editor.has("pid: 7\nversion: 1")


def test_a_restart_connects_again(editor: Neovim, server: Stub) -> None:
    server.offers("def add(a, b):")
    editor.command("Copilotd restart")
    server.wait_for("initialize", 2)
    editor.type("idef")
    editor.shows(" add(a, b):")


def test_health_tells_what_is_well_and_what_is_not(editor: Neovim, server: Stub) -> None:
    failed = {"phase": "failed", "detail": "no memory", "fraction": None}
    server.notify("copilotd/status", failed)
    editor.until(lambda: "failed" in editor.lua("return require('copilotd').status()"))
    editor.command("checkhealth copilotd")
    report = editor.text()
    assert "Neovim 0.11" in report
    assert "Attached to 1 buffers, positions in utf-8" in report
    assert "ERROR The model could not be loaded: no memory" in report
    assert "<Tab> accepts ghost text" in report


def test_health_tells_that_the_executable_is_missing(editor: Neovim) -> None:
    editor.lua("vim.lsp.config('copilotd', { cmd = { 'no-such-copilotd' } })")
    editor.command("checkhealth copilotd")
    assert "`no-such-copilotd` is not an executable" in editor.text()
