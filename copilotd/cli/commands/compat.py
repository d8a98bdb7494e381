"""`copilotd compat`: serve in the place of another program, by its own command line."""

from typing import Annotated

import typer

from copilotd.cli.help_examples import examples

app = typer.Typer(
    no_args_is_help=True,
    help="Serve in the place of another program, by its own command line.",
    rich_markup_mode="rich",
)

Arguments = Annotated[
    list[str] | None, typer.Argument(metavar="ARGS…", help="llama-server's own flags.")
]


@app.command(
    "llama-server",
    context_settings={
        "ignore_unknown_options": True,
        "help_option_names": ["--help"],
    },
)
@examples(
    "copilotd compat llama-server -m model.gguf --port 8080 --ctx-size 8192",
    "copilotd compat llama-server -m model.gguf --parallel 4 --n-predict 256 --temp 0",
)
def llama_server(args: Arguments = None) -> None:
    """Be llama-server in this terminal until Ctrl-C: its port, its defaults, its dialect.

    It has a folder of its own for as long as it runs, and meets neither your daemon nor your
    settings file. Flags that mean nothing here are named on stderr and ignored.
    """
    from copilotd.cli.llama_flags import parsed
    from copilotd.cli.llama_server import serve

    serve(parsed(args or []))
