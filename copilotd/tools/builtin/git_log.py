"""`git_log`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import read, schema
from copilotd.tools.editor import Editor
from copilotd.tools.git import git
from copilotd.tools.tool import Action, Effect, Tool


class GitLog(Struct, frozen=True):
    """Arguments."""

    path: Annotated[str, Meta(description="Only commits that changed this.")] = "."
    count: Annotated[int, Meta(description="How many commits.", ge=1, le=50)] = 10


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Find the file."""
    asked = read(GitLog, said)
    path = editor.workspace.locate(asked.path)

    async def perform() -> str:
        line = "--format=%h %ad %an: %s"
        only = ("--", f":(literal){path}")
        home = editor.workspace.home
        return await git(home, "log", f"-{asked.count}", "--date=short", line, *only)

    return Action(f"Read the last {asked.count} commits", perform)


GIT_LOG = Tool("git_log", "Read the latest commits.", Effect.READ, prepare, schema(GitLog))
