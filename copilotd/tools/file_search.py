"""Looking through files for lines, within a time and up to a number."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.files import texts

_WITHIN_S = 10.0

Look = Callable[[str, Path, str], Iterator[str]]
"""From a file's name, its path and its text to the lines that are wanted of it."""


def place(editor: Editor, name: str) -> Path:
    """The file or folder to look in. Raises: ToolFailed where there is none."""
    path = editor.workspace.locate(name)
    if not path.exists():
        raise ToolFailed(f"There is no file or folder {name}.")
    return path


async def lines(editor: Editor, start: Path, look: Look, most: int) -> str:
    """The first `most` lines that `look` finds at or below `start`, and whether there are more."""
    found = await asyncio.to_thread(lambda: list(islice(_found(editor, start, look), most + 1)))
    more = [f"… more than {most} lines; ask for something rarer, or in a folder"]
    return "\n".join(found if len(found) <= most else found[:most] + more)


def _found(editor: Editor, start: Path, look: Look) -> Iterator[str]:
    end = time.monotonic() + _WITHIN_S
    for file, text in texts(editor, start):
        yield from look(editor.workspace.shown(file), file, text)
        if time.monotonic() > end:
            yield f"… stopped here, after {_WITHIN_S:g} s; look in a folder"
            return
