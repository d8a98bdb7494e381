"""`copilotd logs`."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from copilotd.cli.help_examples import examples

POLL_S = 0.2

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Print new lines too, until Ctrl-C.")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="Number of lines to print.")]


@examples("copilotd logs", "copilotd logs -n 200", "copilotd logs -f")
def logs(follow: Follow = False, lines: Lines = 50) -> None:
    """Print the end of the daemon's log.

    Code is logged only at level DEBUG: copilotd config set log.level DEBUG
    """
    from copilotd.errors import NotRunning
    from copilotd.paths import Paths

    file = Paths.of_user().log
    if not file.exists():
        raise NotRunning(f"there is no log yet: {file}", "copilotd start.")
    with file.open("rb") as log:
        print(
            b"".join(deque(log, maxlen=lines)).decode("utf-8", errors="replace"),
            end="",
            flush=follow,
        )
        position = log.tell()
    if follow:
        for text in _read_new_lines(file, position):
            print(text, end="", flush=True)


def _read_new_lines(file: Path, position: int) -> Iterator[str]:
    while True:
        # A full log is moved away, and the new one is empty.
        position = position if position <= file.stat().st_size else 0
        with file.open("rb") as log:
            log.seek(position)
            text = log.read()
            position = log.tell()
        if text:
            yield text.decode("utf-8", errors="replace")
        time.sleep(POLL_S)
