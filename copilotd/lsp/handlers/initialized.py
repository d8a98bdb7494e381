"""`initialized`: from now on the client takes messages that it did not ask for."""

from lsprotocol import types

from copilotd.lsp.server import EditorServer


def initialized(ls: EditorServer, params: types.InitializedParams) -> None:
    """Let the reports on the engine begin."""
    ls.initialized.set()
