"""`read_file`."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import read, schema
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import content
from copilotd.tools.tool import Action, Effect, Tool


class ReadFile(Struct, frozen=True):
    """Arguments."""

    path: Annotated[str, Meta(description="Path of the file, relative to the workspace.")]
    first_line: Annotated[int, Meta(description="First line to read, from 1.", ge=1)] = 1
    last_line: Annotated[int | None, Meta(description="Last line to read.")] = None


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Find the file."""
    asked = read(ReadFile, said)
    path = editor.workspace.locate(asked.path)
    name = editor.workspace.shown(path)

    async def perform() -> str:
        return _lines(await asyncio.to_thread(content, editor, path), asked, name)

    return Action(f"Read {name}", perform)


def _lines(text: str, asked: ReadFile, name: str) -> str:
    lines = text.splitlines()
    last = min(asked.last_line or len(lines), len(lines))
    if not lines:
        return f"{name} is empty."
    if asked.first_line > last:
        raise ToolFailed(f"{name} has lines 1 to {len(lines)}.")
    chosen = "\n".join(lines[asked.first_line - 1 : last])
    return f"{name}, lines {asked.first_line} to {last} of {len(lines)}:\n{chosen}"


READ_FILE = Tool(
    "read_file",
    "Read a text file of the workspace, or some lines of it.",
    Effect.READ,
    prepare,
    schema(ReadFile),
)
