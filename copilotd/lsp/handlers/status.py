"""`workspace/executeCommand`: `copilotd.status`."""

from typing import Any

import msgspec

from copilotd.lsp.server import EditorServer


def status(ls: EditorServer, *arguments: Any) -> Any:
    """The daemon's status (`copilotd.serving.status.DaemonStatus`) as JSON."""
    return msgspec.to_builtins(ls.status())
