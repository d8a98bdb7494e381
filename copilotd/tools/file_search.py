"""Searches the files of a workspace for lines, up to a time limit and a number of lines."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import read_text_files

_TIME_LIMIT_S = 10.0

LineMatcher = Callable[[str, Path, str], Iterator[str]]
"""Takes a file's name, path and text, and yields the lines to show."""


def locate_existing(editor: Editor, name: str) -> Path:
    """The file or folder to search. Raises: ToolFailed if it does not exist."""
    path = editor.workspace.locate(name)
    if not path.exists():
        raise ToolFailed(f"There is no file or folder {name}.")
    return path


async def search_files(editor: Editor, start: Path, match_lines: LineMatcher, limit: int) -> str:
    """The first `limit` matches at or below `start`, and a note if there are more."""
    found = await asyncio.to_thread(
        lambda: list(islice(_search(editor, start, match_lines), limit + 1))
    )
    note = [f"… more than {limit} lines; search for something rarer, or in a folder"]
    return "\n".join(found if len(found) <= limit else found[:limit] + note)


def _search(editor: Editor, start: Path, match_lines: LineMatcher) -> Iterator[str]:
    deadline = time.monotonic() + _TIME_LIMIT_S
    for file, text in read_text_files(editor, start):
        yield from match_lines(editor.workspace.display_path(file), file, text)
        if time.monotonic() > deadline:
            yield f"… stopped after {_TIME_LIMIT_S:g} s; search in a folder"
            return
