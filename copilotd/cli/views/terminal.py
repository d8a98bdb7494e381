"""The consoles of the command line: results on stdout, everything else on stderr."""

import sys

from rich.console import Console
from rich.text import Text

from copilotd.errors import CopilotdError


def out() -> Console:
    """The console for results; without colours if piped or under NO_COLOR."""
    return Console(highlight=False, soft_wrap=True)


def err() -> Console:
    """The console for progress, hints and errors; wraps at words in a terminal."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def say(text: str) -> None:
    """Print a line to stderr, without markup."""
    err().print(text, markup=False)


def show_error(error: CopilotdError) -> None:
    """Print the cause and the next step."""
    console = err()
    console.print(Text.assemble(("error: ", "bold red"), error.message))
    if error.hint:
        console.print(Text.assemble(("next: ", "bold"), error.hint))


def format_size(count: float) -> str:
    """Format bytes: 491.4 MB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def format_duration(seconds: float) -> str:
    """Format a time span: 45 s, 3 min, 2 h 05 min, 3 d 4 h."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 1:
        return f"{seconds:.0f} s"
    if hours < 1:
        return f"{minutes:.0f} min"
    if days < 1:
        return f"{hours:.0f} h {minutes % 60:02.0f} min"
    return f"{days:.0f} d {hours % 24:.0f} h"
