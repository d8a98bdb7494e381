"""Where tools act: the user, the open files, and the workspace around them."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from copilotd.tools.change import Change
from copilotd.tools.workspace import Workspace


class Answer(StrEnum):
    """What a user says when asked for permission."""

    ONCE = "once"
    SESSION = "session"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Question:
    """What a user is asked: whether `tool` may do what `title` says.

    `diff` and `command` show it exactly, where there is one.
    """

    id: str
    tool: str
    title: str
    diff: str = ""
    command: str = ""


class Editor(Protocol):
    """An editor, or whatever stands for one. All raise ToolFailed for what they cannot do."""

    @property
    def workspace(self) -> Workspace:
        """The folders that are open."""

    def text(self, path: Path) -> str | None:
        """What an open file holds, saved or not; None if it is not open."""

    async def diagnostics(self, path: Path | None) -> list[str]:
        """What is reported of a file, or of all, a line each."""

    async def ask(self, question: Question) -> Answer:
        """The user's decision."""

    async def apply(self, change: Change) -> None:
        """Make a change, where the user sees it."""
