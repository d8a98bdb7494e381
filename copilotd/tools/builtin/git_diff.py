"""`git_diff`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import read, schema
from copilotd.tools.editor import Editor
from copilotd.tools.git import git
from copilotd.tools.tool import Action, Effect, Tool


class GitDiff(Struct, frozen=True):
    """Arguments."""

    path: Annotated[str, Meta(description="Only this file or folder.")] = "."
    staged: Annotated[bool, Meta(description="What is staged, not what is changed since.")] = False


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Find the file."""
    asked = read(GitDiff, said)
    workspace = editor.workspace
    path = workspace.locate(asked.path)

    async def perform() -> str:
        staged = ["--cached"] if asked.staged else []
        safely = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
        only = (f":(literal){path}", *workspace.secrecy.for_git())
        changed = await git(workspace.home, "diff", *safely, *staged, "--", *only)
        return changed or "There is no difference."

    return Action("Read what was changed since the last commit", perform)


GIT_DIFF = Tool(
    "git_diff",
    "Read the changes that are not committed.",
    Effect.READ,
    prepare,
    schema(GitDiff),
)
