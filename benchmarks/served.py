"""A daemon for one benchmark or test: its own folders, a free port, the model that was named."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR")


@dataclass(frozen=True)
class Served:
    """Where the daemon listens: `url` for HTTP, `socket` for LSP; `env` leads its CLI to it."""

    url: str
    socket: str
    pid: int
    env: dict[str, str]


@contextmanager
def served(model: Path, *options: str, **settings: str) -> Iterator[Served]:
    """Run `copilotd start --model MODEL`, wait until the model is loaded, stop it afterwards.

    `options` are more of its arguments, `settings` environment variables without their prefix:
    `SERVER__PORT="8010"`.
    """
    with tempfile.TemporaryDirectory(prefix="copilotd-") as home:
        env = {**os.environ, "HOME": home, **{f"XDG_{f}": _folder(home, f) for f in FOLDERS}}
        env |= {f"COPILOTD_{key}": value for key, value in settings.items()}
        copilotd(env, "start", "--model", str(model), "--port", "0", *options)
        try:
            status = json.loads(copilotd(env, "status", "--json"))
            yield Served(status["url"], status["socket"], status["pid"], env)
        finally:
            copilotd(env, "stop")


def copilotd(env: dict[str, str], *arguments: str) -> str:
    """What a command prints; ends the program with its output if it fails."""
    command = [sys.executable, "-m", "copilotd", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"copilotd {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _folder(home: str, name: str) -> str:
    # A runtime folder that others may enter is not believed, and names are short because the path
    # of a unix socket is limited to about 100 characters.
    folder = Path(home, name[:2])
    folder.mkdir(mode=0o700)
    return str(folder)
