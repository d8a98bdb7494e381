"""Checks the daemon's surroundings: settings, port, editors."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator

from copilotd import __version__
from copilotd.cli.diagnosis.check import Check, failure, note, ok
from copilotd.config import ServerSection
from copilotd.errors import ConfigError, CopilotdError
from copilotd.http.sockets import listen_tcp
from copilotd.lifecycle import RunningDaemon
from copilotd.paths import Paths

EDITORS = {
    "code": "VS Code",
    "code-insiders": "VS Code Insiders",
    "codium": "VSCodium",
    "cursor": "Cursor",
    "nvim": "Neovim",
    "vim": "Vim",
    "hx": "Helix",
    "helix": "Helix",
    "emacs": "Emacs",
    "zed": "Zed",
    "zeditor": "Zed",
    "kak": "Kakoune",
    "subl": "Sublime Text",
}
"""Editors that speak LSP, by the command that starts them."""

VERSION_WITHIN_S = 2.0


def check_settings(problems: Iterable[ConfigError], paths: Paths) -> Iterator[Check]:
    """Check for settings that are invalid."""
    found = [failure("settings", problem.message, problem.hint) for problem in problems]
    file = paths.user_settings
    yield from found or [ok("settings", str(file) if file.exists() else "all at their defaults")]


def check_daemon(running: RunningDaemon | None) -> Check:
    """Check whether a daemon runs, and has the version of this command."""
    if running is None:
        return ok("daemon", "none is running; copilotd start starts one")
    where = f"pid {running.pid}, {running.url}"
    if running.version != __version__:
        detail = f"{where} is version {running.version}, this command {__version__}"
        return note("daemon", detail, "copilotd restart")
    return ok("daemon", where)


def check_port(settings: ServerSection, running: RunningDaemon | None) -> Check:
    """Check whether the HTTP port is free, or used by our daemon."""
    if running is not None:
        return ok("port", f"{running.url} answers")
    try:
        listen_tcp(settings.host, settings.port).close()
    except CopilotdError as error:
        return failure("port", error.message, error.hint)
    return ok("port", f"{settings.port} is free")


def check_reach(settings: ServerSection) -> Check:
    """Check who can use the API, and whether they need the token."""
    if settings.is_on_loopback:
        token = "sends the token" if settings.needs_token else "asks"
        return ok("network", f"{settings.host}: any program on this machine that {token}")
    if settings.needs_token:
        step = "copilotd token prints it; the connection is not encrypted (docs/security.md)"
        return note(
            "network", f"{settings.host}: anyone who can reach it and sends the token", step
        )
    if settings.require_token == "off":
        detail = f"no start on {settings.host}, because server.require_token is off"
        return failure("network", detail, "copilotd config set server.require_token on")
    step = "copilotd config set server.require_token on"
    return note("network", f"{settings.host}: ANYONE who can reach it, without a token", step)


def check_editors() -> Check:
    """List the installed editors."""
    found = [
        f"{name}{_version(command)}" for command, name in EDITORS.items() if shutil.which(command)
    ]
    if not found:
        step = "Point any editor that speaks LSP at: copilotd lsp"
        return note("editors", "none found on the PATH", step)
    return ok("editors", ", ".join(found))


def _version(command: str) -> str:
    """The version with a space before it; empty if the editor does not answer quickly."""
    try:
        done = subprocess.run(
            [command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERSION_WITHIN_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    words = done.stdout.split("\n", 1)[0].split()
    return next((f" {word.lstrip('v')}" for word in words if any(map(str.isdigit, word))), "")
