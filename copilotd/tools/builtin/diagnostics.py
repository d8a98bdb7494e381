"""`diagnostics`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.editor import Editor
from copilotd.tools.tool import Action, Effect, Tool


class DiagnosticsArguments(Struct, frozen=True):
    """The arguments of a call."""

    path: Annotated[str, Meta(description="A file; empty for all open files.")] = ""


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Locate the file."""
    name = parse_arguments(DiagnosticsArguments, arguments).path
    path = editor.workspace.locate(name) if name else None

    async def perform() -> str:
        return "\n".join(await editor.read_diagnostics(path)) or "There are no diagnostics."

    of_file = f" of {editor.workspace.display_path(path)}" if path else ""
    return Action(f"Read the editor's errors and warnings{of_file}", perform)


DIAGNOSTICS = Tool(
    "diagnostics",
    "Read the errors and warnings that the editor reports.",
    Effect.READ,
    prepare,
    build_schema(DiagnosticsArguments),
)
