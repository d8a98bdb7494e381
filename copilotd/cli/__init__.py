"""The command line: arguments become settings and one call.

Commands import slow modules inside their functions, so that `copilotd --help` answers at once.
"""

import os
import sys
from io import TextIOWrapper
from typing import NoReturn

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
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no Unicode shows question marks.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="copilotd")
    except BrokenPipeError:
        # The reader has seen enough, as in `copilotd logs | head`. Python complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if _is_debugging():
            raise
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    from copilotd.cli.views.terminal import show_error

    show_error(_explain(error))
    sys.exit(3 if isinstance(error, NotRunning) else 1)


def _explain(error: Exception) -> CopilotdError:
    if isinstance(error, CopilotdError):
        return error
    if isinstance(error, OSError):
        from copilotd.os_errors import explain_os_error

        return explain_os_error(error)
    return CopilotdError(
        f"{type(error).__name__}: {error}",
        "This is a fault of copilotd. With COPILOTD_LOG__LEVEL=DEBUG the same command shows where.",
    )


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
