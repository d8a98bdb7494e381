"""The editor of one connection, as tools see it."""

import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.uris import from_fs_path, to_fs_path

from copilotd.documents import Document
from copilotd.lsp.documents import Snapshot
from copilotd.lsp.server import EditorServer
from copilotd.tools.change import Change
from copilotd.tools.editor import Answer, Question
from copilotd.tools.errors import ToolFailed
from copilotd.tools.workspace import Workspace

APPROVE = "copilotd/approve"
DIAGNOSTICS = "copilotd/diagnostics"

T = TypeVar("T")


class Approval(msgspec.Struct, frozen=True):
    """The client's response to `copilotd/approve`."""

    decision: Answer


class Reported(msgspec.Struct, frozen=True):
    """The client's response to `copilotd/diagnostics`."""

    diagnostics: list[str]


class Workbench:
    """Implements `Editor` with requests to the client."""

    def __init__(self, ls: EditorServer) -> None:
        self._ls = ls

    @property
    def workspace(self) -> Workspace:
        """The folders that the client has open."""
        paths = (to_fs_path(uri) for uri in self._ls.folders)
        return Workspace(tuple(Path(path) for path in paths if path), self._ls.toolset.secrecy)

    def text(self, path: Path) -> str | None:
        """What an open file holds; None if it is not open."""
        snapshot = self._opened(path)
        return snapshot.document.text if snapshot else None

    async def diagnostics(self, path: Path | None) -> list[str]:
        """What the client's language servers report. Raises: ToolFailed where it does not tell."""
        uri = self._uri(path) if path else None
        try:
            answer = await self._ls.protocol.ask(DIAGNOSTICS, {"uri": uri})
            return _read(Reported, answer).diagnostics
        except (JsonRpcException, msgspec.ValidationError) as error:
            raise ToolFailed("The editor does not tell what it reports.") from error

    async def ask(self, question: Question) -> Answer:
        """The user's decision; a client that cannot ask has not agreed."""
        asked = {
            "id": question.id,
            "tool": question.tool,
            "title": question.title,
            "diff": question.diff,
            "command": question.command,
        }
        try:
            return _read(Approval, await self._ls.protocol.ask(APPROVE, asked)).decision
        except (JsonRpcException, msgspec.ValidationError):
            return Answer.DENY

    async def apply(self, change: Change) -> None:
        """Let the client make the change, so that the user can undo it. Raises: ToolFailed."""
        edit = types.WorkspaceEdit(document_changes=self._steps(change))
        label = f"copilotd: {change.path.name}"
        try:
            params = types.ApplyWorkspaceEditParams(edit, label)
            answer = await self._ls.protocol.ask(types.WORKSPACE_APPLY_EDIT, params)
        except JsonRpcException as error:
            raise ToolFailed(f"The editor cannot change files: {error.message}") from error
        if not answer.applied:
            raise ToolFailed(f"The editor did not make the change. {answer.failure_reason or ''}")

    def _steps(self, change: Change) -> list[Any]:
        uri = self._uri(change.path)
        if change.after is None:
            return [types.DeleteFile(uri)]
        create = [types.CreateFile(uri)] if change.before is None else []
        opened = self._opened(change.path)
        snapshot = opened or Snapshot(Document(uri, change.before or "", "", 0))
        place = types.OptionalVersionedTextDocumentIdentifier(
            uri, snapshot.document.version if opened else None
        )
        start, end, text = _difference(snapshot.document.text, change.after)
        edit = types.TextEdit(snapshot.range(start, end, self._ls.encoding), text)
        return [*create, types.TextDocumentEdit(place, [edit])]

    def _opened(self, path: Path) -> Snapshot | None:
        wanted = os.path.realpath(path)
        for snapshot in self._ls.documents.all():
            own = to_fs_path(snapshot.document.uri)
            if own and os.path.realpath(own) == wanted:
                return snapshot
        return None

    def _uri(self, path: Path) -> str:
        """As the client spells it, where it has the file open."""
        snapshot = self._opened(path)
        if snapshot:
            return snapshot.document.uri
        return str(from_fs_path(str(path)))


def _difference(before: str, after: str) -> tuple[int, int, str]:
    """The lines that differ: where they begin and end in `before`, and what they become."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    left = shorter - head
    tail = next((i for i in range(left) if old[-1 - i] != new[-1 - i]), left)
    start = sum(map(len, old[:head]))
    end = len(before) - sum(map(len, old[len(old) - tail :]))
    return start, end, "".join(new[head : len(new) - tail])


def _read(kind: type[T], answer: Any) -> T:
    return msgspec.convert(answer, kind)
