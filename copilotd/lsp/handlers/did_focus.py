"""`textDocument/didFocus`: Copilot's clients send it when the user turns to another file."""

from typing import Any

from copilotd.lsp.server import EditorServer


def did_focus(ls: EditorServer, params: Any) -> None:
    """Prepare for a request in that file; `params` is `{textDocument: {uri}}`."""
    match params:
        case {"textDocument": {"uri": str(uri)}}:
            if snapshot := ls.documents.get(uri):
                ls.completion.opened(snapshot.document)
