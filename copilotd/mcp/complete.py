"""`complete`: ghost text for other agents."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.completion.types import Completion, Outcome, Status
from copilotd.documents import offset
from copilotd.errors import CopilotdError
from copilotd.tools.arguments import read, schema
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import content
from copilotd.tools.tool import Action, Effect, Tool

Completer = Callable[[Path, str, int], Awaitable[Outcome]]
"""Ghost text for a file's path and text at an offset in code points. Raises: CopilotdError."""


class Complete(Struct, frozen=True):
    """Arguments."""

    path: Annotated[str, Meta(description="Path of the file, relative to the workspace.")]
    line: Annotated[int, Meta(description="Line of the cursor, from 1.", ge=1)]
    column: Annotated[
        int | None, Meta(description="Column in characters, from 1; without it, the line's end.")
    ] = None


def complete(completer: Completer) -> Tool:
    """The tool; it says what would be written at a cursor, and writes nothing."""

    async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
        asked = read(Complete, said)
        path = editor.workspace.locate(asked.path)
        name = editor.workspace.shown(path)

        async def perform() -> str:
            text = content(editor, path)
            try:
                at = offset(text, name, asked.line, asked.column)
                return _said(await completer(path, text, at), text)
            except ValueError as error:
                raise ToolFailed(f"{error}.") from error
            except CopilotdError as error:
                raise ToolFailed(f"{error.message}. Next step: {error.hint}") from error

        return Action(f"Complete line {asked.line} of {name}", perform)

    return Tool(
        "complete",
        "What a local code model would write at a cursor in a file of the workspace, as text.",
        Effect.READ,
        prepare,
        schema(Complete),
    )


def _said(outcome: Outcome, text: str) -> str:
    if outcome.completion is not None:
        return _inserted(outcome.completion, text)
    if outcome.status in (Status.EMPTY, Status.SKIPPED):
        return f"[nothing to write there: {outcome.reason}]"
    raise ToolFailed(f"There is no completion: {outcome.reason}")


def _inserted(completion: Completion, text: str) -> str:
    """What has to be inserted, without its own copy of what follows the cursor."""
    return completion.text.removesuffix(text[completion.start : completion.end])
