"""`apply_edit`."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.change import FileChange
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import read_text
from copilotd.tools.tool import Action, Effect, Tool


class ApplyEditArguments(Struct, frozen=True):
    """The arguments of a call."""

    path: Annotated[str, Meta(description="The file to change, or a new one.")]
    old_text: Annotated[
        str,
        Meta(description="The lines to replace, exactly as they are; empty for a new file."),
    ]
    new_text: Annotated[str, Meta(description="The lines to put in their place.")]


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Compute the file's new text."""
    edit = parse_arguments(ApplyEditArguments, arguments)
    path = editor.workspace.locate(edit.path)
    name = editor.workspace.display_path(path)
    before = await asyncio.to_thread(_read_if_present, editor, path)
    change = FileChange(path, before, _apply(edit, before, name))

    async def perform() -> str:
        # The user may have taken a while to decide.
        if await asyncio.to_thread(_read_if_present, editor, path) != before:
            raise ToolFailed(f"{name} has changed in the meantime. Read it again.")
        await editor.apply_change(change)
        return f"{name} was {'created' if before is None else 'changed'}."

    title = f"{'Create' if before is None else 'Edit'} {name}"
    return Action(title, perform, change, always_asks=_controls_programs(editor, path))


def _read_if_present(editor: Editor, path: Path) -> str | None:
    if editor.open_text(path) is None and not path.exists():
        return None
    return read_text(editor, path)


def _apply(edit: ApplyEditArguments, before: str | None, name: str) -> str:
    if before is None or not edit.old_text:
        if before:
            raise ToolFailed(f"{name} exists. Give the lines to replace in old_text.")
        if edit.old_text:
            raise ToolFailed(f"There is no file {name}. To create it, leave old_text empty.")
        return edit.new_text
    # A model writes \n, whatever line endings the file has.
    newline = "\r\n" if "\r\n" in before else "\n"
    old, new = (
        text.replace("\r\n", "\n").replace("\n", newline) for text in (edit.old_text, edit.new_text)
    )
    count = before.count(old)
    if count == 0:
        raise ToolFailed(
            f"{name} does not contain that old_text. Read the file and copy it exactly."
        )
    if count > 1:
        raise ToolFailed(f"{name} contains that old_text {count} times. Give more lines around it.")
    if old == new:
        raise ToolFailed("old_text and new_text are the same.")
    return before.replace(old, new)


def _controls_programs(editor: Editor, path: Path) -> bool:
    workspace = editor.workspace
    roots = (folder.resolve() for folder in workspace.folders)
    names = [path.relative_to(root) for root in roots if path.is_relative_to(root)]
    return any(workspace.secret_files.controls_programs(name) for name in names)


APPLY_EDIT = Tool(
    "apply_edit",
    "Change a file of the workspace by replacing some of its lines, or create a file.",
    Effect.CHANGE,
    prepare,
    build_schema(ApplyEditArguments),
)
