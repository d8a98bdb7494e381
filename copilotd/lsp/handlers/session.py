"""`initialize` and `initialized`: the client's name, and when it accepts messages."""

from lsprotocol import types

from copilotd.lsp.client import Client
from copilotd.serving.services import Services


def initialize(params: types.InitializeParams, services: Services, client: Client) -> None:
    """Record the client's name, and whether it declares inline completion."""
    client.name = params.client_info.name if params.client_info else "unknown editor"
    document = params.capabilities.text_document
    client.has_ghost_text = bool(document and document.inline_completion)


def initialized(params: types.InitializedParams, services: Services, client: Client) -> None:
    """Let the reports on the engine begin, because the client accepts messages now."""
    client.initialized.set()
