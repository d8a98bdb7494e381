"""The editor of somebody who has none: files as they are on the disk, and nobody to ask."""

from dataclasses import dataclass
from pathlib import Path

from copilotd.tools.change import Change
from copilotd.tools.editor import Answer, Question
from copilotd.tools.errors import Refused
from copilotd.tools.workspace import Workspace


@dataclass(frozen=True)
class Disk:
    """Reads `workspace` and changes nothing."""

    workspace: Workspace

    def text(self, path: Path) -> str | None:
        """None: no file is open."""
        return None

    async def diagnostics(self, path: Path | None) -> list[str]:
        """None are known."""
        return []

    async def ask(self, question: Question) -> Answer:
        """No, since nobody can be asked."""
        return Answer.DENY

    async def apply(self, change: Change) -> None:
        """Refused."""
        raise Refused("Nothing is changed here.")
