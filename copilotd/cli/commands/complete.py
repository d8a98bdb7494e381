"""`copilotd complete FILE:LINE:COL`."""

from typing import Annotated

import typer

from copilotd.cli.cursor import locate
from copilotd.cli.help_examples import examples

Place = Annotated[
    str,
    typer.Argument(
        metavar="FILE:LINE[:COL]", help="Where to complete; COL defaults to the line's end."
    ),
]
Auto = Annotated[
    bool, typer.Option("--auto", help="Ask as an editor does while you type, not as with its key.")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Show the prompt, the output and each filter's change.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: the whole outcome as JSON.")]


@examples(
    "copilotd complete app.py:12                [dim]# at the end of line 12[/]",
    "copilotd complete app.py:12:9              [dim]# before its ninth character[/]",
    "copilotd complete app.py:12 --auto         [dim]# what appears without a key[/]",
    "copilotd complete app.py:12 --explain",
    "copilotd complete app.py:12 --json | jq -r .completion.text",
)
def complete(
    place: Place, auto: Auto = False, explain: Explain = False, as_json: AsJson = False
) -> None:
    """Show the ghost text that an editor would show there.

    It is the text for a user who asks with a key. With --auto it is the one that appears while you
    type: it is shorter, and some places and languages get none. LINE and COL count from 1, COL in
    characters. Starts the daemon if none runs.
    """
    import msgspec

    from copilotd.cli.views.ghost_text import show_explanation, show_ghost_text
    from copilotd.cli.views.loading import connect_when_ready
    from copilotd.completion.types import OutcomeRecord, Status, Trigger
    from copilotd.paths import Paths

    cursor = locate(place)
    with connect_when_ready(Paths.of_user()) as connection:
        trigger = Trigger.AUTOMATIC if auto else Trigger.INVOKED
        outcome = connection.complete(cursor.path, cursor.text, cursor.offset, trigger)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(OutcomeRecord.of(outcome))).decode())
    else:
        show_ghost_text(cursor, outcome)
        if explain:
            show_explanation(outcome)
    if outcome.status is Status.FAILED:
        raise typer.Exit(1)
