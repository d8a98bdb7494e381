"""How things look in the terminal: results on stdout, everything said along the way on stderr."""

import sys

from rich.console import Console
from rich.text import Text

from copilotd.errors import CopilotdError


def out() -> Console:
    """The console for results; plain when piped or under NO_COLOR."""
    return Console(highlight=False, soft_wrap=True)


def err() -> Console:
    """The console for progress, hints and errors; wraps them at words where a person reads."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def say(text: str) -> None:
    """A line along the way, without markup."""
    err().print(text, markup=False)


def show_error(error: CopilotdError) -> None:
    """The cause and the next step."""
    console = err()
    console.print(Text.assemble(("error: ", "bold red"), error.message))
    if error.hint:
        console.print(Text.assemble(("next: ", "bold"), error.hint))


def size(count: float) -> str:
    """Bytes for people: 491.4 MB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def duration(seconds: float) -> str:
    """A time span for people: 45 s, 3 min, 2 h 05 min, 3 d 4 h."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 1:
        return f"{seconds:.0f} s"
    if hours < 1:
        return f"{minutes:.0f} min"
    if days < 1:
        return f"{hours:.0f} h {minutes % 60:02.0f} min"
    return f"{days:.0f} d {hours % 24:.0f} h"
