"""Waits until the model is loaded, with a progress display."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from copilotd import lifecycle
from copilotd.cli.daemon_client import DaemonClient
from copilotd.cli.views.terminal import err, say
from copilotd.engine.types import EngineState, Phase
from copilotd.paths import Paths
from copilotd.serving.status import DaemonStatus

POLL_S = 0.1


@contextmanager
def connect_when_ready(paths: Paths) -> Iterator[DaemonClient]:
    """A client of a daemon with a loaded model; starts the daemon if none runs.

    Raises: StartFailed, NotRunning.
    """
    running = lifecycle.find_running(paths)
    if running is None:
        say("No daemon runs: starting one (copilotd stop ends it).")
        running = lifecycle.launch(paths, ())
    with DaemonClient(running) as connection:
        wait_for_model(connection)
        yield connection


def wait_for_model(connection: DaemonClient) -> DaemonStatus:
    """Show the download and the load until the model is ready, or its load failed."""
    status = connection.status()
    if not _is_under_way(status):
        return status
    with _display() as display:
        while _is_under_way(status):
            display.show(status.state)
            time.sleep(POLL_S)
            status = connection.status()
    return status


def _is_under_way(status: DaemonStatus) -> bool:
    # A daemon loads its model when it starts; after an unload, it loads it for the next request.
    if status.state.phase is Phase.STOPPED:
        return status.model is None
    return status.state.phase in (Phase.DOWNLOADING, Phase.LOADING)


class _Display:
    """A progress bar in a terminal, else a line for each phase."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=None)
        self._said = ""

    def show(self, state: EngineState) -> None:
        """Draw the state of the engine."""
        text = "starting" if state.phase is Phase.STOPPED else state.detail or str(state.phase)
        total = None if state.fraction is None else 1.0
        done = state.fraction or 0.0
        self._progress.update(self._task, description=text, total=total, completed=done)
        if not self._progress.console.is_terminal and self._said != state.phase:
            self._said = state.phase
            say(text)


@contextmanager
def _display() -> Iterator[_Display]:
    console = err()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar:
        yield _Display(bar)
