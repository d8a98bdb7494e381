"""`copilotd compat`: stands in for another server, with its command line."""

from typing import Annotated

import typer

from copilotd.cli.help_examples import examples

app = typer.Typer(
    no_args_is_help=True,
    help="Stand in for another program, with its own command line.",
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
    """Stand in for llama-server in this terminal until Ctrl-C: its port, defaults and dialect.

    It has a folder of its own while it runs, and uses neither your daemon nor your settings file.
    Flags without a meaning here are named on stderr and ignored.
    """
    from copilotd.cli.llama_flags import parse_flags
    from copilotd.cli.llama_server import serve

    serve(parse_flags(args or []))
