"""`git_log`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.editor import Editor
from copilotd.tools.git import run_git
from copilotd.tools.tool import Action, Effect, Tool


class GitLogArguments(Struct, frozen=True):
    """The arguments of a call."""

    path: Annotated[str, Meta(description="Only commits that changed this.")] = "."
    count: Annotated[int, Meta(description="How many commits.", ge=1, le=50)] = 10


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Locate the file or folder."""
    options = parse_arguments(GitLogArguments, arguments)
    path = editor.workspace.locate(options.path)

    async def perform() -> str:
        line = "--format=%h %ad %an: %s"
        only = ("--", f":(literal){path}")
        folder = editor.workspace.main_folder
        return await run_git(folder, "log", f"-{options.count}", "--date=short", line, *only)

    return Action(f"Read the last {options.count} commits", perform)


GIT_LOG = Tool(
    "git_log",
    "Read the latest commits.",
    Effect.READ,
    prepare,
    build_schema(GitLogArguments),
)
