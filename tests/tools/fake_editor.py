"""An editor for tests: files on a disk, a user who answers as told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from copilotd.config import ToolsSection
from copilotd.secret_files import Secrecy
from copilotd.tools.audit import Audit
from copilotd.tools.change import Change
from copilotd.tools.editor import Answer, Question
from copilotd.tools.registry import Toolset
from copilotd.tools.runner import Result, Runner
from copilotd.tools.workspace import Workspace


class Desk:
    """`answer` is what the user says to every question; `held` are files with unsaved text."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self.answer = Answer.ONCE
        self.questions: list[Question] = []
        self.held: dict[Path, str] = {}
        self.reported: list[str] = []

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folders, Secrecy())

    def text(self, path: Path) -> str | None:
        return self.held.get(path)

    async def diagnostics(self, path: Path | None) -> list[str]:
        return self.reported

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        return self.answer

    async def apply(self, change: Change) -> None:
        if change.after is None:
            change.path.unlink()
        else:
            change.path.write_bytes(change.after.encode())


def runner(desk: Desk, **settings: Any) -> Runner:
    return Toolset(ToolsSection(**settings), Audit(record(desk))).runner()


def record(desk: Desk) -> Path:
    """The file with what was done."""
    return desk.folders[0].parent / "record.jsonl"


async def call(desk: Desk, name: str, arguments: Mapping[str, Any], **settings: Any) -> Result:
    import json

    return await runner(desk, **settings).run("1", name, json.dumps(arguments), desk)
