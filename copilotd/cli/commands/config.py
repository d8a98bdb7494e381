"""`copilotd config show|path|set|sample`."""

from typing import TYPE_CHECKING, Annotated

import typer

from copilotd.cli.help_examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from copilotd.config import Layer, Settings

WIDTH = 36
"""Width of the column with the settings; the source comes after it."""
HIDDEN = "(hidden)"
"""Printed in place of a secret."""

app = typer.Typer(
    no_args_is_help=True, help="Show and change the settings.", rich_markup_mode="rich"
)

Key = Annotated[str, typer.Argument(metavar="SECTION.KEY", help="As in server.port.")]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="Lists are separated by commas.")]


@app.command()
@examples("copilotd config show", "COPILOTD_SERVER__PORT=8010 copilotd config show")
def show() -> None:
    """Print every setting with its value and its source."""
    from pathlib import Path

    from copilotd.config import find_project_file, load_leniently, read_layers
    from copilotd.paths import Paths

    files = (Paths.of_user().user_settings, find_project_file(Path.cwd()))
    settings, problems = load_leniently(*files)
    _print(settings, read_layers(*files)[0])
    if problems:
        raise problems[0]


@app.command()
@examples("$EDITOR $(copilotd config path)")
def path() -> None:
    """Print the path of your settings file, which may not exist yet."""
    from copilotd.cli.views.terminal import say
    from copilotd.paths import Paths

    file = Paths.of_user().user_settings
    print(file)
    if not file.exists():
        say(f"There is none yet; begin with: copilotd config sample > {file}")


@app.command(name="set")
@examples(
    "copilotd config set completion.max_lines 4",
    "copilotd config set completion.disabled_languages markdown,plaintext",
)
def set_value(key: Key, value: Value) -> None:
    """Change one setting in your settings file; your comments and other lines stay."""
    from copilotd.cli.settings_file import set_setting
    from copilotd.cli.views.terminal import say
    from copilotd.paths import Paths

    file = Paths.of_user().user_settings
    parsed = set_setting(file, key, value)
    say(f"{key} = {_hide_secrets(key, parsed)} in {file}")
    say(_effect(key))


@app.command(name="sample")
@examples("copilotd config sample > copilotd.toml")
def print_sample() -> None:
    """Print a settings file with every setting, its meaning and its default."""
    from copilotd.cli.settings_file import render_sample

    print(render_sample(), end="")


def _print(settings: "Settings", layers: "Sequence[Layer]") -> None:
    from rich.text import Text

    from copilotd.cli.views.terminal import out
    from copilotd.config import DEFAULT, find_origin, list_tables

    console = out()
    for name, kind in list_tables().items():
        console.print(Text(f"[{name}]", "bold"))
        for key in kind.model_fields:
            value = getattr(getattr(settings, name), key)
            line = f"{key} = {_hide_secrets(f'{name}.{key}', value)}"
            where = find_origin(f"{name}.{key}", layers)
            style = "dim" if where == DEFAULT else ""
            console.print(Text(f"{line:<{WIDTH}}  {where}", style))


def _hide_secrets(key: str, value: object) -> str:
    from copilotd.config import is_secret

    return HIDDEN if value and is_secret(key) else _inline(_to_plain(value))


def _inline(value: object) -> str:
    import tomlkit

    if isinstance(value, dict):
        entries = (
            f"{tomlkit.key(name).as_string()} = {_inline(own)}" for name, own in value.items()
        )
        return f"{{{', '.join(entries)}}}"
    return tomlkit.item(value).as_string()


def _to_plain(value: object) -> object:
    """The value as dictionaries and lists, without secrets."""
    from copilotd.config import Section

    if isinstance(value, Section):
        fields = type(value).model_fields
        return {
            name: _to_plain(own) if fields[name].repr or not own else HIDDEN
            for name, own in value
            if name in value.model_fields_set
        }
    if isinstance(value, dict):
        return {str(name): _to_plain(own) for name, own in value.items()}
    return [_to_plain(own) for own in value] if isinstance(value, list) else value


def _effect(key: str) -> str:
    from copilotd.config import (
        DEFAULT,
        ENVIRONMENT,
        LOADS_A_MODEL,
        RELOADABLE,
        find_origin,
        read_layers,
    )
    from copilotd.lifecycle import find_running
    from copilotd.paths import Paths

    paths = Paths.of_user()
    strongest = [
        layer for layer in read_layers(paths.user_settings)[0] if layer.name == ENVIRONMENT
    ]
    if (variable := find_origin(key, strongest)) != DEFAULT:
        return f"But {variable} is set, and overrides it."
    if find_running(paths) is None:
        return "The next copilotd start uses it."
    if key.partition(".")[0] in RELOADABLE and key not in LOADS_A_MODEL:
        return "The running daemon uses it at once."
    return "The running daemon uses it after copilotd restart."
