"""Reads text files for a model: as the editor has them, or from the disk if they are not open."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from copilotd.index.walk import walk_files
from copilotd.tools.editor import Editor
from copilotd.tools.errors import ToolFailed
from copilotd.tools.workspace import Workspace

MAX_FILE_BYTES = 2_000_000
"""Larger files are not read: programs write such files, people rarely do."""

_NO_LINK_NO_WAIT = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def read_text(editor: Editor, path: Path) -> str:
    """The text of `path`, a path from `Workspace.locate`. Raises: ToolFailed."""
    text = editor.open_text(path)
    return read_from_disk(path, editor.workspace.display_path(path)) if text is None else text


def read_from_disk(path: Path, name: str) -> str:
    """The text of a file called `name`, with its own line endings. Raises: ToolFailed."""
    if path.is_dir():
        raise ToolFailed(f"{name} is a folder. Use list_directory to see its files.")
    try:
        # Since the path was checked, a link or a pipe may have replaced the file.
        handle = os.open(path, os.O_RDONLY | _NO_LINK_NO_WAIT)
        with os.fdopen(handle, "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise ToolFailed(f"{name} is not a text file.")
            if state.st_size > MAX_FILE_BYTES:
                raise ToolFailed(f"{name} is too large to read: it has {state.st_size} bytes.")
            data = file.read()
    except FileNotFoundError as error:
        raise ToolFailed(f"There is no file {name}.") from error
    except OSError as error:
        raise ToolFailed(f"{name} cannot be read: {error.strerror}.") from error
    if b"\0" in data:
        raise ToolFailed(f"{name} is not a text file.")
    return data.decode("utf-8", errors="replace")


def walk_readable_files(workspace: Workspace, start: Path) -> Iterator[Path]:
    """The files at or below `start` that tools may read, without those that git ignores."""
    files = [start] if start.is_file() else walk_files(start)
    return (file for file in files if workspace.is_readable(file))


def read_text_files(editor: Editor, start: Path) -> Iterator[tuple[Path, str]]:
    """The same files, each with its text. Files without text are skipped."""
    for file in walk_readable_files(editor.workspace, start):
        try:
            yield file, read_text(editor, Path(os.path.realpath(file)))
        except ToolFailed:
            continue
