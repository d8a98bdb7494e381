"""Each test has its own user. It reads and writes nothing of the real user of the machine."""

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
"""The promise is two seconds. A busy machine gets more time; a stuck daemon never ends."""


@dataclass(frozen=True)
class Home:
    """Folders, commands and daemons of one user; the test process has their environment."""

    folder: Path

    @property
    def paths(self) -> Paths:
        return Paths.of_user()

    def launch(self, *arguments: str) -> RunningDaemon:
        """Launch a daemon with a scripted engine, on a free port unless the arguments name one."""
        return lifecycle.launch(self.paths, arguments or ("--port", "0"), SCRIPTED)

    def run(
        self, *arguments: str, input: str | None = None, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run one command until it ends."""
        return subprocess.run(
            [sys.executable, "-m", "copilotd", *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=240,
            cwd=self.folder,
            env=os.environ | environment,
        )

    def write_settings(self, text: str) -> Path:
        """Write the user's settings file; return its path."""
        file = self.paths.user_settings
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def list_runtime_files(self) -> list[Path]:
        """List the files in the runtime folder. It is empty once the daemon has ended."""
        return sorted(self.paths.runtime.glob("*"))

    def stop_daemon(self) -> None:
        """Stop the daemon if one still runs."""
        if running := lifecycle.find_running(self.paths):
            with suppress(psutil.Error):
                lifecycle.stop(running, 5.0)


def eventually(is_true: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Wait up to `within_s` seconds for a condition; return whether it became true."""
    deadline = time.monotonic() + within_s
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_alive(pid: int) -> bool:
    """Return whether a process runs. A zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
