"""`symbols`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.index.symbols import find_symbols
from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.editor import Editor
from copilotd.tools.file_search import locate_existing, search_files
from copilotd.tools.tool import Action, Effect, Tool

_MAX_LINES = 80
_MAX_LINE_LENGTH = 160


class SymbolsArguments(Struct, frozen=True):
    """The arguments of a call."""

    name: Annotated[str, Meta(description="Part of the name; empty for all.")] = ""
    path: Annotated[str, Meta(description="File or folder to look in.")] = "."


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Locate the file or folder to search."""
    query = parse_arguments(SymbolsArguments, arguments)
    start, needle = locate_existing(editor, query.path), query.name.casefold()

    def match_lines(name: str, file: Path, text: str) -> Iterator[str]:
        for symbol in find_symbols(file, text):
            if needle in symbol.name.casefold():
                yield f"{name}:{symbol.line + 1}: {symbol.text[:_MAX_LINE_LENGTH]}"

    async def perform() -> str:
        lines = await search_files(editor, start, match_lines, _MAX_LINES)
        return lines or "No definition has that name."

    what = f"the definition of {query.name}" if query.name else "definitions"
    return Action(f"Look for {what} in {editor.workspace.display_path(start)}", perform)


SYMBOLS = Tool(
    "symbols",
    "Find where functions, classes and types are defined.",
    Effect.READ,
    prepare,
    build_schema(SymbolsArguments),
)
