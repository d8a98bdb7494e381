"""`symbols`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.index.symbols import symbols
from copilotd.tools.arguments import read, schema
from copilotd.tools.editor import Editor
from copilotd.tools.file_search import lines, place
from copilotd.tools.tool import Action, Effect, Tool

_MOST = 80
_LONGEST = 160


class Symbols(Struct, frozen=True):
    """Arguments."""

    name: Annotated[str, Meta(description="Part of the name; empty for all.")] = ""
    path: Annotated[str, Meta(description="File or folder to look in.")] = "."


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Find where to look."""
    asked = read(Symbols, said)
    start, part = place(editor, asked.path), asked.name.casefold()

    def look(name: str, file: Path, text: str) -> Iterator[str]:
        for symbol in symbols(file, text):
            if part in symbol.name.casefold():
                yield f"{name}:{symbol.line + 1}: {symbol.text[:_LONGEST]}"

    async def perform() -> str:
        found = await lines(editor, start, look, _MOST)
        return found or "Nothing of that name is defined there."

    what = f"the definition of {asked.name}" if asked.name else "definitions"
    return Action(f"Look for {what} in {editor.workspace.shown(start)}", perform)


SYMBOLS = Tool(
    "symbols",
    "Find where functions, classes and types are defined.",
    Effect.READ,
    prepare,
    schema(Symbols),
)
