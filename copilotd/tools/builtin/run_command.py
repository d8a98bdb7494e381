"""`run_command`."""

import os
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import read, schema
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.process import run
from copilotd.tools.tool import Action, Effect, Tool


class RunCommand(Struct, frozen=True):
    """Arguments."""

    command: Annotated[str, Meta(description="A line for the shell.", min_length=1)]


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Take the line as it is: the user is shown exactly what will run."""
    command = read(RunCommand, said).command.strip()
    if not command or any(not (c.isprintable() or c in "\n\t") for c in command):
        raise ToolFailed("That is no command: it is empty or has characters that cannot be shown.")
    folder = editor.workspace.home

    async def perform() -> str:
        ended = await run(_shell(command), folder)
        return f"Exit code {ended.code}.\n{ended.output}".rstrip()

    # Permission for the session holds for this very line.
    return Action("Run a command", perform, command=command, kind=command)


def _shell(command: str) -> list[str]:
    if os.name == "nt":
        return [os.environ.get("COMSPEC", "cmd.exe"), "/d", "/s", "/c", command]
    return ["/bin/sh", "-c", command]


RUN_COMMAND = Tool(
    "run_command",
    "Run a command in the workspace's folder and read what it prints.",
    Effect.RUN,
    prepare,
    schema(RunCommand),
)
