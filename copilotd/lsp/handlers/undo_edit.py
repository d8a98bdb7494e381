"""`copilotd/undoEdit`: take back what a tool did to a file."""

import asyncio
from typing import Any

import msgspec
from pygls.exceptions import JsonRpcInvalidParams

from copilotd.errors import InvalidRequest
from copilotd.lsp.editor_tools import Workbench
from copilotd.lsp.server import EditorServer
from copilotd.lsp.streaming import failure, read
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import content


class UndoParams(msgspec.Struct, frozen=True):
    """The request's parameters: the id of the call."""

    id: str


async def undo_edit(ls: EditorServer, params: Any) -> dict[str, Any]:
    """Put the file back, unless somebody went on with it."""
    asked = read(UndoParams, params)
    change = ls.changes.get(asked.id)
    if change is None:
        raise JsonRpcInvalidParams(f"no call {asked.id} has changed a file")
    bench = Workbench(ls)
    try:
        if await asyncio.to_thread(content, bench, change.path) != change.after:
            name = bench.workspace.shown(change.path)
            raise ToolFailed(f"{name} was changed since. Use the editor's own undo.")
        await bench.apply(change.reversed)
    except ToolFailed as error:
        raise failure(InvalidRequest(str(error))) from error
    del ls.changes[asked.id]
    return {}
