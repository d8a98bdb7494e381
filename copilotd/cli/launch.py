"""Starts a daemon: in the background, in this terminal, or as the child process."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from copilotd import lifecycle, logs
from copilotd.cli.daemon_client import DaemonClient
from copilotd.cli.options import PROJECT, Options, to_arguments, to_settings
from copilotd.cli.views.loading import wait_for_model
from copilotd.cli.views.terminal import out, say
from copilotd.config import (
    EngineSection,
    Settings,
    find_origin,
    find_project_file,
    load,
    load_leniently,
    read_layers,
)
from copilotd.engine.types import Phase
from copilotd.errors import ConfigError, EngineLoadFailed
from copilotd.http.sockets import check_reach, listen_tcp
from copilotd.lifecycle import RunningDaemon
from copilotd.models.catalogue import load_catalogue
from copilotd.paths import Paths
from copilotd.serving.status import DaemonStatus

log = logging.getLogger(__name__)


def start_in_background(options: Options) -> None:
    """Launch a daemon, wait for its model, and print the next steps.

    Raises: ConfigError, PortInUse, ModelError, StartFailed, EngineLoadFailed.
    """
    paths = Paths.of_user()
    if running := lifecycle.find_running(paths):
        _print_already_running(running)
        return
    options = _in_project(options)
    _prepare(paths, options)
    running = lifecycle.launch(paths, to_arguments(options))
    with DaemonClient(running) as connection:
        status = wait_for_model(connection)
    if status.state.phase is Phase.FAILED:
        raise EngineLoadFailed(
            f"the daemon runs, but its model was not loaded: {status.state.detail}",
            "copilotd doctor; then copilotd restart.",
        )
    _print_next_steps(status)


def start_here(options: Options) -> None:
    """Run the daemon in this terminal until Ctrl-C.

    Raises: ConfigError, PortInUse, ModelError, AlreadyRunning, StartFailed.
    """
    paths = Paths.of_user()
    if running := lifecycle.find_running(paths):
        raise lifecycle.already_running_error(running)
    options = _in_project(options)
    settings = _prepare(paths, options)
    _serve(paths, settings, options)


def serve_until_stopped(options: Options) -> None:
    """Run the daemon that `launch` starts.

    An invalid setting is logged and its default used, so that editors still get completions.
    """
    paths = Paths.of_user()
    settings, problems = load_leniently(*_files(paths, options), to_settings(options))
    try:
        _check_upstream(settings)
    except ConfigError as error:
        problems.append(error)
        settings = settings.model_copy(update={"engine": _make_local(settings.engine)})
    _serve(paths, settings, options, problems)


def _serve(
    paths: Paths, settings: Settings, options: Options, problems: Sequence[ConfigError] = ()
) -> None:
    from copilotd import daemon

    lifecycle.create_folders(paths)
    logs.configure(paths.log, settings.log.level)
    for problem in problems:
        log.error("%s. %s The default is used.", problem.message, problem.hint)
    files = _files(paths, options)
    read = partial(load, *files, to_settings(options))
    watched = tuple(file for file in files if file is not None)
    begun = daemon.LaunchOptions(read, watched, to_arguments(options))
    daemon.serve(daemon.build_daemon(paths, settings, begun))


def _prepare(paths: Paths, options: Options) -> Settings:
    """Do everything that can fail or takes long before the daemon starts."""
    from copilotd.cli.fetch_model import fetch_model

    sources = (*_files(paths, options), to_settings(options))
    settings = load(*sources)
    check_reach(settings.server)
    listen_tcp(settings.server.host, settings.server.port).close()
    _check_upstream(settings)
    layers = read_layers(*sources)[0]
    if settings.engine.kind == "local":
        fetch_model(paths, settings.model, asked_by=find_origin("model.name", layers))
    if settings.chat_model is not None:
        asked_by = find_origin("chat.model", layers)
        fetch_model(paths, settings.chat_model, asked_by, role="Chat model")
    return settings


def _check_upstream(settings: Settings) -> None:
    """Refuse settings that the daemon cannot be built with. Raises: ConfigError."""
    from copilotd.engine.upstream.factory import check_settings

    if settings.engine.kind == "upstream":
        check_settings(settings.upstream, load_catalogue())


def _make_local(engine: EngineSection) -> EngineSection:
    return engine.model_copy(update={"kind": "local"})


def _in_project(options: Options) -> Options:
    file = find_project_file(Path.cwd())
    return options if file is None else {PROJECT: str(file), **options}


def _files(paths: Paths, options: Options) -> tuple[Path, Path | None]:
    project = options.get(PROJECT)
    return paths.user_settings, None if project is None else Path(project)


def _print_already_running(running: RunningDaemon) -> None:
    say(f"copilotd already runs: {running.url} (pid {running.pid}).")
    say("With other options: copilotd restart --model NAME. To end it: copilotd stop.")


def _print_next_steps(status: DaemonStatus) -> None:
    console = out()
    chat = f", and {status.chat.alias} for chat," if status.chat else ""
    console.print(f"[bold green]copilotd runs[/] with {status.alias}{chat} on {status.url}")
    if status.upstream is not None:
        console.print(f"Code and conversations are sent to {status.upstream.url}")
    console.print(
        "\nWhat next:\n"
        "  open your editor          its language server is: copilotd lsp\n"
        "  see ghost text here       copilotd complete FILE:LINE:COL\n"
        "  ask something             copilotd chat\n"
        f"  look at the API           {status.url}/docs\n"
        "  check this installation   copilotd doctor"
    )
