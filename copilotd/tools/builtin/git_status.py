"""`git_status`."""

from collections.abc import Mapping
from typing import Any

from copilotd.tools.editor import Editor
from copilotd.tools.git import run_git
from copilotd.tools.tool import Action, Effect, Tool


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Ignore the arguments: the tool has none."""

    async def perform() -> str:
        folder = editor.workspace.main_folder
        return await run_git(folder, "status", "--short", "--branch", "--ignore-submodules=all")

    return Action("Read the state of git", perform)


GIT_STATUS = Tool(
    "git_status",
    "See the branch and which files have changes that are not committed.",
    Effect.READ,
    prepare,
    {"type": "object", "properties": {}},
)
