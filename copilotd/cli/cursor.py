"""A cursor on the command line: FILE:LINE:COL."""

import re
from dataclasses import dataclass
from pathlib import Path

import typer

from copilotd.documents import offset_at


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a file; `offset` counts code points of `text`."""

    path: Path
    text: str
    offset: int


def locate(place: str) -> Cursor:
    """Read FILE:LINE[:COL].

    Raises:
        typer.BadParameter: it names no place in a text file.
    """
    # A Windows path contains a colon, so the numbers are split off from the right.
    match = re.fullmatch(r"(?P<file>.+?):(?P<line>\d+)(?::(?P<column>\d+))?", place)
    if match is None:
        raise typer.BadParameter(f"{place!r} is not FILE:LINE or FILE:LINE:COL, as in app.py:12:9")
    path = Path(match["file"])
    text = _read(path)
    column = None if match["column"] is None else int(match["column"])
    try:
        return Cursor(path, text, offset_at(text, str(path), int(match["line"]), column))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _read(path: Path) -> str:
    try:
        # read_text would turn \r\n into \n and change the columns.
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise typer.BadParameter(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read as text: {error}") from error
