"""`copilotd lsp`: the command that editors run as their language server."""

import os
import sys

import typer

from copilotd.paths import Paths


def lsp() -> None:
    r"""Speak LSP on standard input and output, for editors.

    Set `copilotd lsp` as a language server in your editor.

    Starts the daemon if none runs. The daemon keeps running when the editor exits.

    Neovim: vim.lsp.config("copilotd", {cmd = {"copilotd", "lsp"}})

    Helix: language-server.copilotd = {command = "copilotd", args = \["lsp"]}
    """
    from copilotd.lsp.bridge import bridge, find_or_start

    if sys.stdin.isatty():
        print("copilotd lsp: this command is for editors; Ctrl-D ends it.", file=sys.stderr)
    # All other output goes to stderr: stdout belongs to the protocol.
    stdout = os.dup(1)
    os.dup2(2, 1)
    raise typer.Exit(bridge(lambda: find_or_start(Paths.of_user()), 0, stdout))
