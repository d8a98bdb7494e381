"""The connected editor, as the tools see it."""

import os
from pathlib import Path
from typing import Any

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.uris import from_fs_path, to_fs_path

from copilotd.documents import Document
from copilotd.lsp.client import Client
from copilotd.lsp.documents import Snapshot
from copilotd.tools.change import FileChange
from copilotd.tools.editor import ApprovalRequest, Decision
from copilotd.tools.errors import ToolFailed
from copilotd.tools.registry import ToolRegistry
from copilotd.tools.workspace import Workspace

APPROVE = "copilotd/approve"
DIAGNOSTICS = "copilotd/diagnostics"


class ApproveResult(msgspec.Struct, frozen=True):
    """The client's response to `copilotd/approve`."""

    decision: Decision


class DiagnosticsResult(msgspec.Struct, frozen=True):
    """The client's response to `copilotd/diagnostics`."""

    diagnostics: list[str]


class EditorAdapter:
    """Implements `Editor` with requests to the client."""

    def __init__(self, client: Client, tools: ToolRegistry) -> None:
        self._client = client
        self._tools = tools

    @property
    def workspace(self) -> Workspace:
        """The folders that the client has open."""
        paths = (to_fs_path(uri) for uri in self._client.folders)
        return Workspace(tuple(Path(path) for path in paths if path), self._tools.secret_files)

    def open_text(self, path: Path) -> str | None:
        """The text of an open file; None if it is not open."""
        snapshot = self._find_open(path)
        return snapshot.document.text if snapshot else None

    async def read_diagnostics(self, path: Path | None) -> list[str]:
        """The diagnostics of the client's language servers. Raises: ToolFailed."""
        uri = self._uri_of(path) if path else None
        try:
            response = await self._client.request(DIAGNOSTICS, {"uri": uri})
            return msgspec.convert(response, DiagnosticsResult).diagnostics
        except (JsonRpcException, msgspec.ValidationError) as error:
            raise ToolFailed("The editor does not share its diagnostics.") from error

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        """The user's decision. A client that cannot ask its user denies the request."""
        params = {
            "id": request.id,
            "tool": request.tool,
            "title": request.title,
            "diff": request.diff,
            "command": request.command,
        }
        try:
            response = await self._client.request(APPROVE, params)
            return msgspec.convert(response, ApproveResult).decision
        except (JsonRpcException, msgspec.ValidationError):
            return Decision.DENY

    async def apply_change(self, change: FileChange) -> None:
        """Have the client make the change, so that the user can undo it. Raises: ToolFailed."""
        edit = types.WorkspaceEdit(document_changes=self._build_edits(change))
        params = types.ApplyWorkspaceEditParams(edit, f"copilotd: {change.path.name}")
        try:
            result = await self._client.request(types.WORKSPACE_APPLY_EDIT, params)
        except JsonRpcException as error:
            raise ToolFailed(f"The editor cannot change files: {error.message}") from error
        if not result.applied:
            raise ToolFailed(f"The editor did not make the change. {result.failure_reason or ''}")

    def _build_edits(self, change: FileChange) -> list[Any]:
        uri = self._uri_of(change.path)
        if change.after is None:
            return [types.DeleteFile(uri)]
        create = [types.CreateFile(uri)] if change.before is None else []
        opened = self._find_open(change.path)
        snapshot = opened or Snapshot.of(Document(uri, change.before or "", "", 0))
        identifier = types.OptionalVersionedTextDocumentIdentifier(
            uri, snapshot.document.version if opened else None
        )
        start, end, text = _find_difference(snapshot.document.text, change.after)
        edit = types.TextEdit(snapshot.range(start, end, self._client.encoding), text)
        return [*create, types.TextDocumentEdit(identifier, [edit])]

    def _find_open(self, path: Path) -> Snapshot | None:
        real = os.path.realpath(path)
        for snapshot in self._client.documents.snapshots:
            open_path = to_fs_path(snapshot.document.uri)
            if open_path and os.path.realpath(open_path) == real:
                return snapshot
        return None

    def _uri_of(self, path: Path) -> str:
        """The URI of a file, in the client's own spelling if the client has it open."""
        snapshot = self._find_open(path)
        if snapshot:
            return snapshot.document.uri
        return str(from_fs_path(str(path)))


def _find_difference(before: str, after: str) -> tuple[int, int, str]:
    """The lines that differ: their start and end in `before`, and their new text."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    left = shorter - head
    tail = next((i for i in range(left) if old[-1 - i] != new[-1 - i]), left)
    start = sum(map(len, old[:head]))
    end = len(before) - sum(map(len, old[len(old) - tail :]))
    return start, end, "".join(new[head : len(new) - tail])
