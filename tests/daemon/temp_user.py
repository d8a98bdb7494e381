"""A user of his own for every test: nothing of the machine's real user is read or written."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from copilotd import lifecycle
from copilotd.lifecycle import RunningDaemon
from copilotd.paths import Paths

SCRIPTED = (sys.executable, str(Path(__file__).with_name("daemon_process.py")))

ENDS_WITHIN_S = 30.0
"""Two seconds are promised. A busy machine gets more; a daemon that is stuck never ends."""


@dataclass(frozen=True)
class Home:
    """Folders, commands and daemons of one user. The environment of the test process is his."""

    folder: Path

    @property
    def paths(self) -> Paths:
        return Paths.of_user()

    def launch(self, *arguments: str) -> RunningDaemon:
        """A daemon with a scripted engine, on a free port unless the arguments name one."""
        return lifecycle.launch(self.paths, arguments or ("--port", "0"), SCRIPTED)

    def run(
        self, *arguments: str, input: str | None = None, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """One command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "copilotd", *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.folder,
            env=os.environ | environment,
        )

    def settings(self, text: str) -> Path:
        """Write the user's settings file."""
        file = self.paths.user_settings
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def left_behind(self) -> list[Path]:
        """What is in the runtime folder; nothing should be once the daemon has ended."""
        return sorted(self.paths.runtime.glob("*"))

    def end(self) -> None:
        """Kill whatever daemon is left."""
        if running := lifecycle.find_running(self.paths):
            with suppress(psutil.Error):
                lifecycle.stop(running, 5.0)


def eventually(is_true: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + within_s
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not collected yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
