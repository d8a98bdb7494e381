"""`copilotd doctor`."""

from typing import TYPE_CHECKING, Annotated

import typer

from copilotd.cli.help_examples import examples

if TYPE_CHECKING:
    from copilotd.cli.diagnosis.check import Check

AsJson = Annotated[bool, typer.Option("--json", help="For programs: the checks as JSON.")]


@examples("copilotd doctor", "copilotd doctor --json")
def doctor(as_json: AsJson = False) -> None:
    """Find what keeps copilotd from working well, and say how to fix it.

    Loads and tries the model if no daemon runs. Exit code 1 if something is broken.
    """
    import msgspec

    from copilotd.cli.diagnosis.check import Verdict
    from copilotd.cli.diagnosis.diagnose import diagnose
    from copilotd.paths import Paths

    found: list[Check] = []
    for check in diagnose(Paths.of_user()):
        found.append(check)
        if not as_json:
            _show(check)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    if any(check.verdict is Verdict.BROKEN for check in found):
        raise typer.Exit(1)


def _show(check: "Check") -> None:
    from rich.text import Text

    from copilotd.cli.views.terminal import out

    marks = {
        "ok": ("ok    ", "green"),
        "note": ("note  ", "yellow"),
        "broken": ("BROKEN", "bold red"),
    }
    out().print(Text.assemble(marks[check.verdict], f"  {check.name:<18}{check.detail}"))
    if check.next:
        out().print(Text.assemble(" " * 8, ("next: ", "bold"), check.next))
