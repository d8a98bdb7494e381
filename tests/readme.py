"""What the README says of the command line: `python -m tests.readme` writes it again."""

from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_command

from copilotd.cli import app

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- commands: written by `python -m tests.readme` -->", "<!-- end of commands -->"


def table() -> str:
    """Every command with the first sentence of its help."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    rows = ["| command | what it does |", "|---|---|"]
    for name, command in group.commands.items():
        if not command.hidden:
            rows.append(f"| `copilotd {name}` | {first_sentence(command.help or '')} |")
    return "\n".join(rows)


def first_sentence(text: str) -> str:
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".") + "."


def written(readme: str) -> str:
    """The README with the table as it should be."""
    head, rest = readme.split(BEGIN)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
