"""`copilotd token`."""

from typing import Annotated

import typer

from copilotd.cli.help_examples import examples

New = Annotated[bool, typer.Option("--new", help="Replace it; the old one becomes invalid.")]


@examples(
    "copilotd token",
    "copilotd token --new",
    'curl -H "Authorization: Bearer $(copilotd token)" http://box.lan:8000/v1/models',
)
def token(new: New = False) -> None:
    """Print the token that HTTP clients must send if the daemon requires it.

    The daemon requires it beyond loopback, or if server.require_token is "on". The first call
    creates the token. A running daemon accepts a new one at once.
    """
    from copilotd.access_token import AccessToken
    from copilotd.paths import Paths

    access = AccessToken(Paths.of_user().token)
    print(access.renew() if new else access.ensure())
