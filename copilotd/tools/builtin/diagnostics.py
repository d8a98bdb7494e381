"""`diagnostics`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import read, schema
from copilotd.tools.editor import Editor
from copilotd.tools.tool import Action, Effect, Tool


class Diagnostics(Struct, frozen=True):
    """Arguments."""

    path: Annotated[str, Meta(description="A file; empty for all open files.")] = ""


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Find the file."""
    asked = read(Diagnostics, said)
    path = editor.workspace.locate(asked.path) if asked.path else None

    async def perform() -> str:
        return "\n".join(await editor.diagnostics(path)) or "Nothing is reported."

    of = f" of {editor.workspace.shown(path)}" if path else ""
    return Action(f"Read the editor's errors and warnings{of}", perform)


DIAGNOSTICS = Tool(
    "diagnostics",
    "Read the errors and warnings that the editor reports.",
    Effect.READ,
    prepare,
    schema(Diagnostics),
)
