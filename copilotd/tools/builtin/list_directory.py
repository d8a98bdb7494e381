"""`list_directory`."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.index.walk import list_folder
from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.tool import Action, Effect, Tool
from copilotd.tools.workspace import Workspace


class ListDirectoryArguments(Struct, frozen=True):
    """The arguments of a call."""

    path: Annotated[str, Meta(description="Folder, relative to the workspace.")] = "."
    depth: Annotated[int, Meta(description="How many levels to show.", ge=1, le=4)] = 1


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Locate the folder."""
    options = parse_arguments(ListDirectoryArguments, arguments)
    folder = editor.workspace.locate(options.path)
    name = editor.workspace.display_path(folder)
    if not folder.is_dir():
        raise ToolFailed(f"There is no folder {name}.")

    async def perform() -> str:
        workspace = editor.workspace
        lines = await asyncio.to_thread(
            lambda: list(_render_lines(workspace, folder, options.depth))
        )
        return "\n".join(lines) or f"{name} has no files except those that git ignores."

    return Action(f"List {name}", perform)


def _render_lines(
    workspace: Workspace, folder: Path, depth: int, indent: str = ""
) -> Iterator[str]:
    root = next(f.resolve() for f in workspace.folders if folder.is_relative_to(f.resolve()))
    for entry in list_folder(folder, root):
        if not workspace.is_readable(entry):
            continue
        is_folder = entry.is_dir()
        yield f"{indent}{entry.name}{'/' if is_folder else ''}"
        if is_folder and depth > 1 and not entry.is_symlink():
            yield from _render_lines(workspace, entry, depth - 1, indent + "  ")


LIST_DIRECTORY = Tool(
    "list_directory",
    "List the files and folders in a folder of the workspace.",
    Effect.READ,
    prepare,
    build_schema(ListDirectoryArguments),
)
