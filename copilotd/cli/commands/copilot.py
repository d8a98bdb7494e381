"""`copilotd copilot enable|disable|status`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copilotd.cli.help_examples import examples

if TYPE_CHECKING:
    from copilotd.cli.copilot_settings import UserSettings

app = typer.Typer(
    no_args_is_help=True,
    help="Have GitHub Copilot's extension for VS Code get its ghost text from copilotd.\n\n"
    "The extension works only if you are signed in to GitHub with it; copilotd's own extension "
    "needs no account. copilotd drops the credentials that it sends, unread.",
    rich_markup_mode="rich",
)

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", help="A settings.json of VS Code, if it is not found automatically."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Change the file without asking first.")]


@app.command()
@examples("copilotd copilot enable", "copilotd copilot enable --yes --settings settings.json")
def enable(settings: SettingsFile = None, yes: Yes = False) -> None:
    """Point the extension at the daemon. Shows the change in your settings, then asks."""
    from copilotd.cli.views.terminal import say

    url = _address()
    if _wants_token():
        say("The daemon requires its token. The extension cannot send it, and will be refused.")
    for file in _files(settings):
        _change(file, file.point_at(url), yes=yes)


@app.command()
@examples("copilotd copilot disable")
def disable(settings: SettingsFile = None, yes: Yes = False) -> None:
    """Point the extension at GitHub again. Shows the change in your settings, then asks."""
    from copilotd.cli.views.terminal import say

    for file in _files(settings):
        if file.target and not file.is_ours:
            say(f"{file.path} points at {file.target}, which copilotd did not set: unchanged.")
        else:
            _change(file, file.revert(), yes=yes)


@app.command()
@examples("copilotd copilot status")
def status(settings: SettingsFile = None) -> None:
    """Show where the extension asks for ghost text."""
    url = _address()
    for file in _files(settings):
        where = file.target or "GitHub"
        is_here = " (copilotd)" if file.target == url else ""
        print(f"{file.path}: {where}{is_here}")


def _files(named: Path | None) -> "list[UserSettings]":
    from copilotd.cli.copilot_settings import UserSettings, settings_files
    from copilotd.errors import CopilotdError

    paths = [named] if named else settings_files()
    if not paths:
        raise CopilotdError(
            "no settings file of VS Code was found",
            "Name the file with --settings, if there is one.",
        )
    return [UserSettings.read(path) for path in paths]


def _change(file: "UserSettings", wanted: "UserSettings", *, yes: bool) -> None:
    from copilotd.cli.views.terminal import say

    if wanted.text == file.text:
        say(f"{file.path}: nothing to change.")
        return
    _show(file, wanted)
    if yes or typer.confirm("Change it so?"):
        wanted.write()
        say("Done. VS Code uses it when its window is reloaded.")


def _show(file: "UserSettings", wanted: "UserSettings") -> None:
    from difflib import unified_diff

    lines = (file.text.splitlines(), wanted.text.splitlines())
    for line in unified_diff(*lines, str(file.path), str(file.path), lineterm=""):
        print(line)


def _address() -> str:
    """The address of the running daemon, or the one that it will have when it starts."""
    from copilotd.config import load_leniently
    from copilotd.lifecycle import find_running
    from copilotd.paths import Paths

    paths = Paths.of_user()
    if running := find_running(paths):
        return running.url
    server = load_leniently(paths.user_settings)[0].server
    return f"http://{server.host}:{server.port}"


def _wants_token() -> bool:
    from copilotd.config import load_leniently
    from copilotd.lifecycle import find_running
    from copilotd.paths import Paths

    paths = Paths.of_user()
    if running := find_running(paths):
        return bool(running.token_file)
    return load_leniently(paths.user_settings)[0].server.needs_token
