"""A fake editor: its files are on the disk, and its user gives the answer that a test sets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from copilotd.config import ToolsSection
from copilotd.prompt.messages import ToolCall
from copilotd.secret_files import SecretFiles
from copilotd.tools.audit import AuditLog
from copilotd.tools.change import FileChange
from copilotd.tools.editor import ApprovalRequest, Decision
from copilotd.tools.registry import ToolRegistry
from copilotd.tools.runner import CallResult, ToolRunner
from copilotd.tools.workspace import Workspace


class FakeEditor:
    """An editor with the open `folders`.

    `answer` is what the user answers to every request for approval. `open_files` are files with
    unsaved text.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self.answer = Decision.ONCE
        self.requests: list[ApprovalRequest] = []
        self.open_files: dict[Path, str] = {}
        self.diagnostics: list[str] = []

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folders, SecretFiles())

    def open_text(self, path: Path) -> str | None:
        return self.open_files.get(path)

    async def read_diagnostics(self, path: Path | None) -> list[str]:
        return self.diagnostics

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        self.requests.append(request)
        return self.answer

    async def apply_change(self, change: FileChange) -> None:
        if change.after is None:
            change.path.unlink()
        else:
            change.path.write_bytes(change.after.encode())


def create_runner(editor: FakeEditor, **settings: Any) -> ToolRunner:
    return ToolRegistry(ToolsSection(**settings), AuditLog(audit_file(editor))).create_runner()


def audit_file(editor: FakeEditor) -> Path:
    """The file of the audit log."""
    return editor.folders[0].parent / "audit.jsonl"


async def call(
    editor: FakeEditor, name: str, arguments: Mapping[str, Any], **settings: Any
) -> CallResult:
    import json

    return await create_runner(editor, **settings).run(
        ToolCall("1", name, json.dumps(arguments)), editor
    )
