"""`apply_edit`."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import read, schema
from copilotd.tools.change import Change
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import content
from copilotd.tools.tool import Action, Effect, Tool


class ApplyEdit(Struct, frozen=True):
    """Arguments."""

    path: Annotated[str, Meta(description="The file to change, or a new one.")]
    old_text: Annotated[
        str,
        Meta(description="The lines to replace, exactly as they are; empty for a new file."),
    ]
    new_text: Annotated[str, Meta(description="The lines to put in their place.")]


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Work out the file's new text."""
    asked = read(ApplyEdit, said)
    path = editor.workspace.locate(asked.path)
    name = editor.workspace.shown(path)
    before = await asyncio.to_thread(_before, editor, path)
    change = Change(path, before, _after(before, asked, name))

    async def perform() -> str:
        # The user may have taken a while to agree.
        if await asyncio.to_thread(_before, editor, path) != before:
            raise ToolFailed(f"{name} was changed meanwhile. Read it again.")
        await editor.apply(change)
        return f"{name} was {'created' if before is None else 'changed'}."

    title = f"{'Create' if before is None else 'Edit'} {name}"
    return Action(title, perform, change, always_asks=_instructs(editor, path))


def _before(editor: Editor, path: Path) -> str | None:
    if editor.text(path) is None and not path.exists():
        return None
    return content(editor, path)


def _after(before: str | None, asked: ApplyEdit, name: str) -> str:
    if before is None or not asked.old_text:
        if before:
            raise ToolFailed(f"{name} exists. Give the lines to replace in old_text.")
        if asked.old_text:
            raise ToolFailed(f"There is no file {name}. To make it, leave old_text empty.")
        return asked.new_text
    # A model writes \n, whatever the file has.
    newline = "\r\n" if "\r\n" in before else "\n"
    old, new = (text.replace("\r\n", "\n").replace("\n", newline) for text in _texts(asked))
    count = before.count(old)
    if count == 0:
        raise ToolFailed(f"{name} does not have that old_text. Read the file and copy it exactly.")
    if count > 1:
        raise ToolFailed(f"{name} has that old_text {count} times. Give more lines around it.")
    if old == new:
        raise ToolFailed("old_text and new_text are the same.")
    return before.replace(old, new)


def _texts(asked: ApplyEdit) -> tuple[str, str]:
    return asked.old_text, asked.new_text


def _instructs(editor: Editor, path: Path) -> bool:
    workspace = editor.workspace
    roots = (folder.resolve() for folder in workspace.folders)
    inside = [path.relative_to(root) for root in roots if path.is_relative_to(root)]
    return any(workspace.secrecy.instructs(name) for name in inside)


APPLY_EDIT = Tool(
    "apply_edit",
    "Change a file of the workspace by replacing some of its lines, or create a file.",
    Effect.CHANGE,
    prepare,
    schema(ApplyEdit),
)
