"""`copilotd/edit` rewrites lines of an open file; `copilotd/undoEdit` undoes a tool's change.

The client shows and applies the result of an edit; the server changes no file by itself.
"""

import asyncio
from typing import Any

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from copilotd.chat.edit import EditCommand, EditRequest, find_passage, stream_rewrite
from copilotd.errors import InvalidRequest
from copilotd.lsp.client import Client
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.editor_tools import EditorAdapter
from copilotd.lsp.positions import Encoding
from copilotd.lsp.streaming import parse_params, stream_answer, to_rpc_error
from copilotd.serving.services import Services
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import read_text


class EditParams(msgspec.Struct, frozen=True, rename="camel"):
    """The parameters of `copilotd/edit`."""

    text_document: types.TextDocumentIdentifier
    range: types.Range
    command: EditCommand = EditCommand.EDIT
    instruction: str = ""
    diagnostics: tuple[str, ...] = ()
    partial_result_token: str | int | None = None


class UndoEditParams(msgspec.Struct, frozen=True):
    """The parameters of `copilotd/undoEdit`: the id of the tool call."""

    id: str


async def edit(params: Any, services: Services, client: Client) -> dict[str, Any]:
    """Stream the new text of the lines, then return it whole with its range."""
    parsed = parse_params(EditParams, params)
    snapshot = client.documents.get(parsed.text_document.uri)
    if snapshot is None:
        raise JsonRpcInvalidParams(f"{parsed.text_document.uri} is not open")
    request = _build_request(snapshot, parsed, client.encoding)
    passage = find_passage(request)
    answer = stream_rewrite(services.models.chat.chat, request, passage)
    new_text, reason = await stream_answer(client, parsed.partial_result_token, answer)
    return {
        "textDocument": {"uri": parsed.text_document.uri, "version": snapshot.document.version},
        "range": snapshot.range(passage.start, passage.end, client.encoding),
        "newText": new_text,
        "finishReason": reason.value,
    }


def _build_request(snapshot: Snapshot, params: EditParams, encoding: Encoding) -> EditRequest:
    start = snapshot.offset_at(params.range.start, encoding)
    end = snapshot.offset_at(params.range.end, encoding)
    return EditRequest(
        snapshot.document,
        min(start, end),
        max(start, end),
        params.command,
        params.instruction,
        params.diagnostics,
    )


async def undo_edit(params: Any, services: Services, client: Client) -> dict[str, Any]:
    """Restore the file, unless it has changed since."""
    id = parse_params(UndoEditParams, params).id
    change = client.changes.get(id)
    if change is None:
        raise JsonRpcInvalidParams(f"no call {id} has changed a file")
    editor = EditorAdapter(client, services.tools)
    try:
        if await asyncio.to_thread(read_text, editor, change.path) != change.after:
            name = editor.workspace.display_path(change.path)
            raise ToolFailed(f"{name} has changed since. Use the editor's own undo.")
        await editor.apply_change(change.inverse)
    except ToolFailed as error:
        raise to_rpc_error(InvalidRequest(str(error))) from error
    del client.changes[id]
    return {}
