"""`copilotd stop`."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from copilotd.cli.help_examples import examples

if TYPE_CHECKING:
    from copilotd.lifecycle import RunningDaemon

GRACE_S = 5.0
"""The daemon needs at most two seconds; a busy machine needs more."""


@examples("copilotd stop")
def stop() -> None:
    """Stop the daemon. Running requests of editors and clients end."""
    from copilotd import lifecycle
    from copilotd.cli.views.terminal import say
    from copilotd.errors import NotRunning
    from copilotd.paths import Paths

    paths = Paths.of_user()
    running = lifecycle.find_running(paths)
    if running is None:
        lifecycle.remove_stale_files(paths)
        raise NotRunning("no daemon runs", "copilotd start.")
    stop_daemon(running)
    lifecycle.remove_stale_files(paths)
    say(f"Stopped (pid {running.pid}).")


def stop_daemon(running: "RunningDaemon") -> None:
    """End the daemon and its worker."""
    from copilotd import lifecycle
    from copilotd.cli.daemon_client import DaemonClient
    from copilotd.errors import CopilotdError

    if sys.platform == "win32":
        # Windows has no signal that a process can handle.
        with suppress(CopilotdError), DaemonClient(running) as connection:
            connection.stop()
    lifecycle.stop(running, GRACE_S)
