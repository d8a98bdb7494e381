"""`copilotd start` and `restart`, and the hidden `serve`, which runs the daemon itself."""

from pathlib import Path
from typing import Annotated

import typer

from copilotd.cli.help_examples import examples
from copilotd.cli.options import PROJECT, collect_options, parse_arguments

Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="Name from `copilotd models list`, a source (hf:…), or a GGUF file."
    ),
]
Alias = Annotated[
    str | None, typer.Option("--model-alias", help="Name of the model for HTTP clients.")
]
Context = Annotated[int | None, typer.Option("--n-ctx", help="Context in tokens.")]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int | None, typer.Option("--port", "-p", help="HTTP port; 0 means any free one.")]
Project = Annotated[Path | None, typer.Option("--project", help="A project's settings file.")]
Foreground = Annotated[
    bool,
    typer.Option("--foreground", "-f", help="Stay in this terminal, log to it, end on Ctrl-C."),
]


@examples(
    "copilotd start                       [dim]# the best model for this machine[/]",
    "copilotd start --model qwen2.5-coder-1.5b-instruct",
    "copilotd start --model ./model.gguf --n-ctx 4096 --port 8010",
    "copilotd start --foreground          [dim]# under systemd, or to watch it[/]",
)
def start(
    model: Model = None,
    model_alias: Alias = None,
    n_ctx: Context = None,
    host: Host = None,
    port: Port = None,
    foreground: Foreground = False,
) -> None:
    """Start the daemon: choose a model, download it if needed, load it.

    Options override the environment (COPILOTD_SERVER__PORT=8010), which overrides your settings
    file (copilotd config path).
    """
    from copilotd.cli.launch import start_here, start_in_background

    begin = start_here if foreground else start_in_background
    begin(collect_options(model, model_alias, n_ctx, host, port))


@examples("copilotd restart", "copilotd restart --model qwen2.5-coder-3b-instruct")
def restart(
    model: Model = None,
    model_alias: Alias = None,
    n_ctx: Context = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Stop the daemon, then start it with its previous options and the ones given here."""
    from copilotd import lifecycle
    from copilotd.cli.commands.stop import stop_daemon
    from copilotd.cli.launch import start_in_background
    from copilotd.paths import Paths

    options = collect_options(model, model_alias, n_ctx, host, port)
    running = lifecycle.find_running(Paths.of_user())
    if running is None:
        start_in_background(options)
        return
    stop_daemon(running)
    start_in_background(parse_arguments(running.arguments) | options)


def serve(
    model: Model = None,
    model_alias: Alias = None,
    n_ctx: Context = None,
    host: Host = None,
    port: Port = None,
    project: Project = None,
) -> None:
    """Run the daemon without a terminal. `start` and the editors' bridge launch this."""
    from copilotd.cli.launch import serve_until_stopped

    options = collect_options(model, model_alias, n_ctx, host, port)
    if project is not None:
        options[PROJECT] = str(project)
    serve_until_stopped(options)
