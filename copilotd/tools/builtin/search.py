"""`search`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import build_schema, parse_arguments
from copilotd.tools.editor import Editor
from copilotd.tools.file_search import locate_existing, search_files
from copilotd.tools.tool import Action, Effect, Tool

_MAX_LINES = 50
_MAX_LINE_LENGTH = 200


class SearchArguments(Struct, frozen=True):
    """The arguments of a call."""

    # No regular expressions: text from a stranger may contain one that runs for years.
    text: Annotated[str, Meta(description="Plain text to look for, in any case.", min_length=1)]
    path: Annotated[str, Meta(description="File or folder to look in.")] = "."


async def prepare(editor: Editor, arguments: Mapping[str, Any]) -> Action:
    """Locate the file or folder to search."""
    query = parse_arguments(SearchArguments, arguments)
    start, needle = locate_existing(editor, query.path), query.text.casefold()

    def match_lines(name: str, file: Path, text: str) -> Iterator[str]:
        if needle not in text.casefold():
            return
        for number, line in enumerate(text.split("\n"), 1):
            if needle in line.casefold():
                yield f"{name}:{number}: {line.strip()[:_MAX_LINE_LENGTH]}"

    async def perform() -> str:
        lines = await search_files(editor, start, match_lines, _MAX_LINES)
        return lines or f"No file contains {query.text!r}."

    where = "" if query.path == "." else f" in {editor.workspace.display_path(start)}"
    return Action(f"Search for {query.text!r}{where}", perform)


SEARCH = Tool(
    "search",
    "Find the lines of the workspace's files that contain a text.",
    Effect.READ,
    prepare,
    build_schema(SearchArguments),
)
