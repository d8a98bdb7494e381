"""`run_command`."""

import os
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.process import run_program
from copilotd.tools.tool import Action, Effect, Tool


class RunCommandArguments(Struct, frozen=True):
    """The arguments of a call."""

    command: Annotated[str, Meta(description="A line for the shell.", min_length=1)]


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Keep the command exactly as it is: the user is shown what will run."""
    command = parse_arguments(RunCommandArguments, arguments).command.strip()
    if not command or any(not (c.isprintable() or c in "\n\t") for c in command):
        raise ToolFailed("This is not a command: it is empty or has invisible characters.")
    folder = editor.workspace.main_folder

    async def perform() -> str:
        result = await run_program(_shell_command(command), folder)
        return f"Exit code {result.exit_code}.\n{result.output}".rstrip()

    # A permission for the session is for exactly this command.
    return Action("Run a command", perform, command=command, kind=command)


def _shell_command(command: str) -> list[str]:
    if os.name == "nt":
        return [os.environ.get("COMSPEC", "cmd.exe"), "/d", "/s", "/c", command]
    return ["/bin/sh", "-c", command]


RUN_COMMAND = Tool(
    "run_command",
    "Run a command in the workspace's folder and read what it prints.",
    Effect.RUN,
    prepare,
    build_schema(RunCommandArguments),
)
