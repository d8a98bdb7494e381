"""Reading files for a model: as the editor has them, else from the disk; text only."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from copilotd.index.walk import walk
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.workspace import Workspace

LARGEST = 2_000_000
"""Bytes of a file that is read; programs write larger ones, people hardly."""

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def content(editor: Editor, path: Path) -> str:
    """What the file `path`, as a workspace located it, holds. Raises: ToolFailed."""
    held = editor.text(path)
    return from_disk(path, editor.workspace.shown(path)) if held is None else held


def from_disk(path: Path, name: str) -> str:
    """The text of a file called `name`, line ends as they are. Raises: ToolFailed."""
    if path.is_dir():
        raise ToolFailed(f"{name} is a folder; list_directory shows what is in it.")
    try:
        # What was a file when the path was checked may be a link or a pipe by now.
        handle = os.open(path, os.O_RDONLY | _NO_LINK)
        with os.fdopen(handle, "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise ToolFailed(f"{name} is no file with text.")
            if state.st_size > LARGEST:
                raise ToolFailed(f"{name} has {state.st_size} bytes, which is too much to read.")
            data = file.read()
    except FileNotFoundError as error:
        raise ToolFailed(f"There is no file {name}.") from error
    except OSError as error:
        raise ToolFailed(f"{name} cannot be read: {error.strerror}.") from error
    if b"\0" in data:
        raise ToolFailed(f"{name} is no text.")
    return data.decode("utf-8", errors="replace")


def below(workspace: Workspace, start: Path) -> Iterator[Path]:
    """The files at or below `start` that tools may read, without those that git ignores."""
    files = [start] if start.is_file() else walk(start)
    return (file for file in files if workspace.is_open_to_tools(file))


def texts(editor: Editor, start: Path) -> Iterator[tuple[Path, str]]:
    """The same with what they hold; what is no text is passed over."""
    for file in below(editor.workspace, start):
        try:
            yield file, content(editor, Path(os.path.realpath(file)))
        except ToolFailed:
            continue
