"""`list_directory`."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.index.walk import entries
from copilotd.tools.arguments import read, schema
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.tool import Action, Effect, Tool
from copilotd.tools.workspace import Workspace


class ListDirectory(Struct, frozen=True):
    """Arguments."""

    path: Annotated[str, Meta(description="Folder, relative to the workspace.")] = "."
    depth: Annotated[int, Meta(description="How many levels to show.", ge=1, le=4)] = 1


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Find the folder."""
    asked = read(ListDirectory, said)
    folder = editor.workspace.locate(asked.path)
    name = editor.workspace.shown(folder)
    if not folder.is_dir():
        raise ToolFailed(f"There is no folder {name}.")

    async def perform() -> str:
        workspace = editor.workspace
        lines = await asyncio.to_thread(lambda: list(_lines(workspace, folder, asked.depth)))
        return "\n".join(lines) or f"{name} has no files that are not ignored."

    return Action(f"List {name}", perform)


def _lines(workspace: Workspace, folder: Path, depth: int, indent: str = "") -> Iterator[str]:
    root = next(f.resolve() for f in workspace.folders if folder.is_relative_to(f.resolve()))
    for entry in entries(folder, root):
        if not workspace.is_open_to_tools(entry):
            continue
        is_folder = entry.is_dir()
        yield f"{indent}{entry.name}{'/' if is_folder else ''}"
        if is_folder and depth > 1 and not entry.is_symlink():
            yield from _lines(workspace, entry, depth - 1, indent + "  ")


LIST_DIRECTORY = Tool(
    "list_directory",
    "List the files and folders in a folder of the workspace.",
    Effect.READ,
    prepare,
    schema(ListDirectory),
)
