"""`complete`: ghost text for other agents.

An agent that calls the tool has asked for the text, so the request counts as invoked. It inserts
the text at the cursor, so the text ends before its own copy of the code after the cursor.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.completion.insert_only import text_to_insert
from copilotd.completion.types import Outcome, Shown, Status
from copilotd.documents import Document, offset_at
from copilotd.errors import CopilotdError
from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import read_text
from copilotd.tools.tool import Action, Effect, Tool

Completer = Callable[[Path, str, int], Awaitable[Outcome]]
"""Completes a file: its path, its text and an offset in code points. Raises: CopilotdError."""


class CompleteArguments(Struct, frozen=True):
    """The arguments of a call."""

    path: Annotated[str, Meta(description="Path of the file, relative to the workspace.")]
    line: Annotated[int, Meta(description="Line of the cursor, from 1.", ge=1)]
    column: Annotated[
        int | None, Meta(description="Column in characters, from 1; without it, the line's end.")
    ] = None


def build_complete_tool(complete: Completer) -> Tool:
    """The tool. It returns what the model would write at a cursor, and changes nothing."""

    async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
        cursor = parse_arguments(CompleteArguments, arguments)
        path = editor.workspace.locate(cursor.path)
        name = editor.workspace.display_path(path)

        async def perform() -> str:
            text = read_text(editor, path)
            try:
                position = offset_at(text, name, cursor.line, cursor.column)
                outcome = await complete(path, text, position)
                return _render_outcome(outcome, Document(name, text, path=name))
            except ValueError as error:
                raise ToolFailed(f"{error}.") from error
            except CopilotdError as error:
                raise ToolFailed(f"{error.message}. Next step: {error.hint}") from error

        return Action(f"Complete line {cursor.line} of {name}", perform)

    return Tool(
        "complete",
        "What a local code model would write at a cursor in a file of the workspace, as text.",
        Effect.READ,
        prepare,
        build_schema(CompleteArguments),
    )


def _render_outcome(outcome: Outcome, document: Document) -> str:
    if isinstance(outcome, Shown):
        text = text_to_insert(document, outcome.completion)
        return text or "[nothing to write there: the text does not fit in front of the line's rest]"
    if outcome.status in (Status.EMPTY, Status.SKIPPED):
        return f"[nothing to write there: {outcome.reason}]"
    raise ToolFailed(f"There is no completion: {outcome.reason}")
