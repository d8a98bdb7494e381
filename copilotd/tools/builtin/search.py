"""`search`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from copilotd.tools.arguments import read, schema
from copilotd.tools.editor import Editor
from copilotd.tools.file_search import lines, place
from copilotd.tools.tool import Action, Effect, Tool

_MOST = 50
_LONGEST = 200
"""Characters of a line that are shown."""


class Search(Struct, frozen=True):
    """Arguments."""

    # No pattern language: one that a stranger's text chose can keep a machine busy for years.
    text: Annotated[str, Meta(description="Plain text to look for, in any case.", min_length=1)]
    path: Annotated[str, Meta(description="File or folder to look in.")] = "."


async def prepare(editor: Editor, said: Mapping[str, Any]) -> Action:
    """Find where to look."""
    asked = read(Search, said)
    start, wanted = place(editor, asked.path), asked.text.casefold()

    def look(name: str, file: Path, text: str) -> Iterator[str]:
        if wanted not in text.casefold():
            return
        for number, line in enumerate(text.split("\n"), 1):
            if wanted in line.casefold():
                yield f"{name}:{number}: {line.strip()[:_LONGEST]}"

    async def perform() -> str:
        return await lines(editor, start, look, _MOST) or f"No file has {asked.text!r}."

    where = "" if asked.path == "." else f" in {editor.workspace.shown(start)}"
    return Action(f"Search for {asked.text!r}{where}", perform)


SEARCH = Tool(
    "search",
    "Find the lines of the workspace's files that contain a text.",
    Effect.READ,
    prepare,
    schema(Search),
)
