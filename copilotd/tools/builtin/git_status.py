"""`git_status`."""

from collections.abc import Mapping
from typing import Any

from copilotd.tools.editor import Editor
from copilotd.tools.git import git
from copilotd.tools.tool import Action, Effect, Tool


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Nothing to find."""

    async def perform() -> str:
        folder = editor.workspace.home
        return await git(folder, "status", "--short", "--branch", "--ignore-submodules=all")

    return Action("Read the state of git", perform)


GIT_STATUS = Tool(
    "git_status",
    "See the branch and which files have changes that are not committed.",
    Effect.READ,
    prepare,
    {"type": "object", "properties": {}},
)
