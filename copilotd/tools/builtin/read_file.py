"""`read_file`."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import read_text
from copilotd.tools.tool import Action, Effect, Tool


class ReadFileArguments(Struct, frozen=True):
    """The arguments of a call."""

    path: Annotated[str, Meta(description="Path of the file, relative to the workspace.")]
    first_line: Annotated[int, Meta(description="First line to read, from 1.", ge=1)] = 1
    last_line: Annotated[int | None, Meta(description="Last line to read.")] = None


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Locate the file."""
    options = parse_arguments(ReadFileArguments, arguments)
    path = editor.workspace.locate(options.path)
    name = editor.workspace.display_path(path)

    async def perform() -> str:
        return _select_lines(await asyncio.to_thread(read_text, editor, path), options, name)

    return Action(f"Read {name}", perform)


def _select_lines(text: str, options: ReadFileArguments, name: str) -> str:
    lines = text.splitlines()
    last = min(options.last_line or len(lines), len(lines))
    if not lines:
        return f"{name} is empty."
    if options.first_line > last:
        raise ToolFailed(f"{name} has lines 1 to {len(lines)}.")
    selected = "\n".join(lines[options.first_line - 1 : last])
    return f"{name}, lines {options.first_line} to {last} of {len(lines)}:\n{selected}"


READ_FILE = Tool(
    "read_file",
    "Read a text file of the workspace, or some lines of it.",
    Effect.READ,
    prepare,
    build_schema(ReadFileArguments),
)
