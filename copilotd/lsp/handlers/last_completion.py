"""`workspace/executeCommand`: `copilotd.lastCompletion`."""

from typing import Any

import msgspec

from copilotd.lsp.server import EditorServer


def last_completion(ls: EditorServer, *arguments: Any) -> Any:
    """What came of this client's last request (`completion.types.Outcome`); null before."""
    return msgspec.to_builtins(ls.last_outcome)
