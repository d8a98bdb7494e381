"""`copilotd complete FILE:LINE:COL`."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from copilotd.cli.examples import examples
from copilotd.place import offset

Place = Annotated[
    str, typer.Argument(metavar="FILE:LINE[:COL]", help="Where; without COL, the end of the line.")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Show what went into the model and what was done to it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: the whole outcome as JSON.")]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a file that was read: `offset` in code points of `text`."""

    path: Path
    text: str
    offset: int


@examples(
    "copilotd complete app.py:12                [dim]# at the end of line 12[/]",
    "copilotd complete app.py:12:9              [dim]# before its ninth character[/]",
    "copilotd complete app.py:12 --explain",
    "copilotd complete app.py:12 --json | jq -r .completion.text",
)
def complete(place: Place, explain: Explain = False, as_json: AsJson = False) -> None:
    """Show the ghost text that an editor would show there.

    LINE and COL count from 1, COL in characters. Starts the daemon if none runs.
    """
    import msgspec

    from copilotd.cli.ghost import show, show_explanation
    from copilotd.cli.waiting import ready
    from copilotd.paths import Paths
    from copilotd.types import Status

    cursor = locate(place)
    with ready(Paths.of_user()) as connection:
        outcome = connection.complete(cursor.path, cursor.text, cursor.offset)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(outcome)).decode())
    else:
        show(cursor, outcome)
        if explain:
            show_explanation(outcome)
    if outcome.status is Status.FAILED:
        raise typer.Exit(1)


def locate(place: str) -> Cursor:
    """Read FILE:LINE[:COL].

    Raises:
        typer.BadParameter: it does not name a place in a file of text.
    """
    # A Windows path has a colon of its own, so the numbers are taken from the right.
    match = re.fullmatch(r"(?P<file>.+?):(?P<line>\d+)(?::(?P<column>\d+))?", place)
    if match is None:
        raise typer.BadParameter(f"{place!r} is not FILE:LINE or FILE:LINE:COL, as in app.py:12:9")
    path = Path(match["file"])
    text = _read(path)
    column = None if match["column"] is None else int(match["column"])
    try:
        return Cursor(path, text, offset(text, str(path), int(match["line"]), column))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _read(path: Path) -> str:
    try:
        # Not read_text: it would turn \r\n into \n, and the columns of a \r\n file with it.
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise typer.BadParameter(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read as text: {error}") from error
