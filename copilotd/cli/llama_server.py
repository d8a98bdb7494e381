"""Runs a daemon in this terminal that stands in for llama-server."""

import tempfile
from dataclasses import replace
from pathlib import Path

from copilotd.access_token import AccessToken
from copilotd.cli.llama_flags import Flags
from copilotd.cli.views.terminal import say
from copilotd.config import COMMAND_LINE, Settings, load
from copilotd.paths import Paths


def serve(flags: Flags) -> None:
    """Serve until SIGTERM or Ctrl-C, and clean up.

    Raises: ConfigError, PortInUse, ModelError, StartFailed.
    """
    for flag in flags.ignored:
        say(f"ignored: {flag}")
    with tempfile.TemporaryDirectory(prefix="copilotd-") as folder:
        paths = _paths(Path(folder))
        # The file does not exist: the settings of the user's daemon do not apply here.
        settings = load(paths.user_settings, overrides=flags.settings)
        if flags.api_key:
            AccessToken(paths.token).save(flags.api_key)
        _serve(paths, settings)


def _serve(paths: Paths, settings: Settings) -> None:
    from copilotd import daemon, lifecycle, logs
    from copilotd.cli.fetch_model import fetch_model
    from copilotd.http.sockets import listen_tcp

    listen_tcp(settings.server.host, settings.server.port).close()
    fetch_model(paths, settings.model, asked_by=COMMAND_LINE)
    lifecycle.create_folders(paths)
    logs.configure(paths.log, settings.log.level)
    daemon.serve(daemon.build_daemon(paths, settings, daemon.LaunchOptions(lambda: settings)))


def _paths(folder: Path) -> Paths:
    """All paths in one folder, except the user's models."""
    user = Paths.of_user()
    return replace(
        user,
        config=folder / "config",
        state=folder / "state",
        runtime=folder / "run",
        cache=folder / "cache",
    )
