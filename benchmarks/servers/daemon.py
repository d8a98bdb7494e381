"""A daemon for one benchmark or test, with its own folders, a free port and the given model.

This file runs as a separate process, which starts the daemon and stops it when standard input ends.
Standard input is a pipe from the benchmark. The system closes it even if the benchmark is killed.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDERS = ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR")
PYTHON = "BENCHMARK_PYTHON"
"""The variable of a daemon's environment that names its interpreter."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder with another version of copilotd, and an interpreter that has its dependencies."""

    folder: Path
    python: Path

    @property
    def env(self) -> dict[str, str]:
        """What makes the command line run this version."""
        return {"PYTHONPATH": str(self.folder), PYTHON: str(self.python)}


@dataclass(frozen=True)
class RunningDaemon:
    """The addresses of a daemon: `url` for HTTP and `socket` for LSP.

    `env` makes the command line find this daemon.
    """

    url: str
    socket: str
    pid: int
    env: dict[str, str]


def run_daemon(
    model: Path, *options: str, **settings: str
) -> AbstractContextManager[RunningDaemon]:
    """Run `copilotd start --model MODEL`, wait until the model is loaded, and stop it at the end.

    `options` are more arguments of the command. `settings` are environment variables without their
    prefix: `SERVER__PORT="8010"`.
    """
    return run_version(None, model, *options, **settings)


@contextmanager
def run_version(
    checkout: Checkout | None, model: Path, *options: str, **settings: str
) -> Iterator[RunningDaemon]:
    """Like `run_daemon`, with the version in `checkout`; None is this one."""
    env = os.environ | {f"COPILOTD_{key}": value for key, value in settings.items()}
    env |= checkout.env if checkout else {}
    # -P: modules of this folder must not hide those of the standard library.
    command = [sys.executable, "-P", __file__, "--model", str(model), "--port", "0", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        # A new session, so that Ctrl-C in the terminal does not end it before the daemon.
        command,
        env=env,
        stdin=pipe,
        stdout=pipe,
        text=True,
        start_new_session=True,
    ) as keeper:
        assert keeper.stdin and keeper.stdout
        try:
            if ready := keeper.stdout.readline():
                yield RunningDaemon(**json.loads(ready))
        finally:
            keeper.stdin.close()
            keeper.wait()
    if keeper.returncode:
        raise SystemExit("the daemon did not start or stop correctly: see above")


def main() -> None:
    """Run a daemon with the options of the command line until standard input ends."""
    with tempfile.TemporaryDirectory(prefix="copilotd-") as home:
        env = {**os.environ, "HOME": home, **{f"XDG_{f}": _create_folder(home, f) for f in FOLDERS}}
        run_copilotd(env, "start", *sys.argv[1:])
        try:
            status = json.loads(run_copilotd(env, "status", "--json"))
            running = RunningDaemon(status["url"], status["socket"], status["pid"], env)
            print(json.dumps(asdict(running)), flush=True)
            sys.stdin.read()
        finally:
            run_copilotd(env, "stop")


def run_copilotd(env: dict[str, str], *arguments: str) -> str:
    """The output of a command. If it fails, end the program and show the output."""
    # -P: the current folder must not hide the version that PYTHONPATH names.
    python = [env[PYTHON], "-P"] if PYTHON in env else [sys.executable]
    command = [*python, "-m", "copilotd", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"copilotd {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _create_folder(home: str, name: str) -> str:
    # The daemon rejects a runtime folder that other users may enter. The names are short because
    # the path of a Unix socket is limited to about 100 characters.
    folder = Path(home, name[:2])
    folder.mkdir(mode=0o700)
    return str(folder)


if __name__ == "__main__":
    main()
