"""Stands in for the editor when there is none: files from the disk, and no user to ask."""

from dataclasses import dataclass
from pathlib import Path

from copilotd.tools.change import FileChange
from copilotd.tools.editor import ApprovalRequest, Decision
from copilotd.tools.errors import CallRefused
from copilotd.tools.workspace import Workspace


@dataclass(frozen=True)
class ReadOnlyEditor:
    """Reads the files of `workspace` and changes nothing."""

    workspace: Workspace

    def open_text(self, path: Path) -> str | None:
        """None, because no file is open."""
        return None

    async def read_diagnostics(self, path: Path | None) -> list[str]:
        """No diagnostics."""
        return []

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        """Deny, because there is nobody to ask."""
        return Decision.DENY

    async def apply_change(self, change: FileChange) -> None:
        """Refuse the change."""
        raise CallRefused("This server does not change files.")
