"""Write the table of commands in docs/commands.md: `python -m tests.readme`."""

from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from copilotd.cli import app

ROOT = Path(__file__).parents[1]
COMMANDS = ROOT / "docs" / "commands.md"
BEGIN, END = "<!-- commands: written by `python -m tests.readme` -->", "<!-- end of commands -->"

Command = TyperCommand | TyperGroup


def update_table(page: str) -> str:
    """Return the page with an up-to-date table between its two markers."""
    head, rest = page.split(BEGIN)
    return f"{head}{BEGIN}\n{render_table()}\n{END}{rest.split(END)[1]}"


def render_table() -> str:
    """Render each visible command and subcommand with the first sentence of its help."""
    rows = [
        f"| `{name}` | {get_first_sentence(command.help or '')} |"
        for name, command in list_visible_commands(build_command_line(), "copilotd")
    ]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def build_command_line() -> TyperGroup:
    """Build the whole command line as typer does."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def list_visible_commands(group: TyperGroup, prefix: str) -> Iterator[tuple[str, Command]]:
    for name, command in group.commands.items():
        assert isinstance(command, Command)
        if not command.hidden:
            yield f"{prefix} {name}", command
            if isinstance(command, TyperGroup):
                yield from list_visible_commands(command, f"{prefix} {name}")


def get_first_sentence(text: str) -> str:
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".") + "."


if __name__ == "__main__":
    COMMANDS.write_text(update_table(COMMANDS.read_text(encoding="utf-8")), encoding="utf-8")
