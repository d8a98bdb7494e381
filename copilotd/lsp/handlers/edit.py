"""`copilotd/edit`: rewrite lines of an open file; the client shows and applies what comes out."""

from typing import Any

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from copilotd.chat.edit import EditCommand, EditRequest, passage, rewritten
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.server import EditorServer
from copilotd.lsp.streaming import read, streamed


class EditParams(msgspec.Struct, frozen=True, rename="camel"):
    """The request's parameters."""

    text_document: types.TextDocumentIdentifier
    range: types.Range
    command: EditCommand = EditCommand.EDIT
    instruction: str = ""
    diagnostics: tuple[str, ...] = ()
    partial_result_token: str | int | None = None


async def edit(ls: EditorServer, params: Any) -> dict[str, Any]:
    """Stream the new text of the lines, then give it whole with where it belongs."""
    asked = read(EditParams, params)
    snapshot = ls.documents.get(asked.text_document.uri)
    if snapshot is None:
        raise JsonRpcInvalidParams(f"{asked.text_document.uri} is not open")
    request = _request(ls, asked, snapshot)
    lines = passage(request)
    answer = rewritten(ls.talker.chat, request, lines)
    new_text, reason = await streamed(ls, asked.partial_result_token, answer)
    return {
        "textDocument": {"uri": asked.text_document.uri, "version": snapshot.document.version},
        "range": snapshot.range(lines.start, lines.end, ls.encoding),
        "newText": new_text,
        "finishReason": reason.value,
    }


def _request(ls: EditorServer, asked: EditParams, snapshot: Snapshot) -> EditRequest:
    start, end = (
        snapshot.lines.offset(place.line, place.character, ls.encoding)
        for place in (asked.range.start, asked.range.end)
    )
    return EditRequest(
        snapshot.document,
        min(start, end),
        max(start, end),
        asked.command,
        asked.instruction,
        asked.diagnostics,
    )
