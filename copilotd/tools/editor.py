"""What tools need from an editor: the user, the open files and the workspace."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from copilotd.tools.change import FileChange
from copilotd.tools.workspace import Workspace


class Decision(StrEnum):
    """What the user decides when a tool asks for approval."""

    ONCE = "once"
    SESSION = "session"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """Asks the user whether `tool` may do what `title` says.

    `diff` and `command` show exactly what will happen, if the tool changes a file or runs one.
    """

    id: str
    tool: str
    title: str
    diff: str = ""
    command: str = ""


class Editor(Protocol):
    """An editor, or a stand-in for one. Every method raises ToolFailed if it cannot do its work."""

    @property
    def workspace(self) -> Workspace:
        """The open folders."""

    def open_text(self, path: Path) -> str | None:
        """The text of an open file, with unsaved changes; None if the file is not open."""

    async def read_diagnostics(self, path: Path | None) -> list[str]:
        """The errors and warnings of a file, or of all files, one line each."""

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        """Ask the user."""

    async def apply_change(self, change: FileChange) -> None:
        """Change a file where the user sees it."""
