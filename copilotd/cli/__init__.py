"""The command line: arguments become settings and one call.

Commands import slow modules inside their functions, so that `copilotd --help` answers at once.
"""

import sys

import typer

from copilotd import __version__
from copilotd.cli.commands import (
    chat,
    compat,
    complete,
    config,
    copilot,
    doctor,
    logs,
    lsp,
    mcp,
    models,
    start,
    status,
    stop,
    token,
    tune,
)
from copilotd.errors import CopilotdError, NotRunning

EPILOG = """Exit codes: 0 done · 1 failed · 2 wrong usage · 3 no daemon runs · 130 interrupted.

Begin with: copilotd start"""

app = typer.Typer(
    name="copilotd",
    help="A local Copilot: one daemon serves one code model to every editor on this machine.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        # Other servers spell such options with underscores: --n_ctx, --model_alias.
        "token_normalize_func": lambda name: name.replace("_", "-"),
    },
)


def main() -> None:
    """Run one command. Every error becomes a message and a next step, not a traceback."""
    try:
        app(prog_name="copilotd")
    except CopilotdError as error:
        from copilotd.cli.views.terminal import show_error

        if _is_debugging():
            raise
        show_error(error)
        sys.exit(3 if isinstance(error, NotRunning) else 1)


def _is_debugging() -> bool:
    from copilotd.config import load_leniently
    from copilotd.paths import Paths

    return load_leniently(Paths.of_user().user_settings)[0].log.level == "DEBUG"


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"copilotd {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


for panel, commands in {
    "The daemon": (start.start, stop.stop, start.restart, status.status, logs.logs),
    "Using it": (complete.complete, chat.chat, lsp.lsp, mcp.mcp),
    "Maintenance": (doctor.doctor, tune.tune, token.token),
}.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(models.app, name="models", rich_help_panel="Maintenance")
app.add_typer(config.app, name="config", rich_help_panel="Maintenance")
app.add_typer(copilot.app, name="copilot", rich_help_panel="Using it")
app.add_typer(compat.app, name="compat", hidden=True)
app.command(hidden=True)(start.serve)
