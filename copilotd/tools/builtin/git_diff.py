"""`git_diff`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.editor import Editor
from copilotd.tools.git import run_git
from copilotd.tools.tool import Action, Effect, Tool


class GitDiffArguments(Struct, frozen=True):
    """The arguments of a call."""

    path: Annotated[str, Meta(description="Only this file or folder.")] = "."
    staged: Annotated[bool, Meta(description="What is staged, not what is changed since.")] = False


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Locate the file or folder."""
    options = parse_arguments(GitDiffArguments, arguments)
    workspace = editor.workspace
    path = workspace.locate(options.path)

    async def perform() -> str:
        staged = ["--cached"] if options.staged else []
        safely = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
        only = (f":(literal){path}", *workspace.secret_files.to_git_pathspecs())
        diff = await run_git(workspace.main_folder, "diff", *safely, *staged, "--", *only)
        return diff or "There are no changes."

    return Action("Read what was changed since the last commit", perform)


GIT_DIFF = Tool(
    "git_diff",
    "Read the changes that are not committed.",
    Effect.READ,
    prepare,
    build_schema(GitDiffArguments),
)
