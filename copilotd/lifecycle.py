"""One daemon per user: who runs, how it starts, how it ends.

The daemon holds a lock for as long as it lives, so the operating system takes the claim back from
one that was killed. The state file beside the lock says where it listens; it is believed only
while its process lives, was created when the file says, and the lock is held.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
from filelock import FileLock, Timeout

from copilotd.errors import AlreadyRunning, StartFailed
from copilotd.files import write_atomically
from copilotd.paths import Paths, has_unix_sockets

SERVE: tuple[str, ...] = (sys.executable, "-P", "-m", "copilotd", "serve")
"""The command that is the daemon."""

START_TIMEOUT_S = 60.0
"""A cold disk needs seconds to read the libraries; a daemon silent for longer never will speak."""

_OTHER_FOLDER = "Make it writable for you, or point XDG_RUNTIME_DIR and XDG_STATE_HOME elsewhere."
_CLOCK_TOLERANCE_S = 2.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class RunningDaemon:
    """A daemon that listens.

    `socket` is where it speaks LSP: a unix path, or "127.0.0.1:PORT" on Windows. `started` is
    the creation time of its process in seconds since the epoch, `arguments` what it was given.
    `token_file` holds the token that it wants to see from HTTP clients; empty if it wants none.
    """

    pid: int
    url: str
    socket: str
    version: str
    started: float
    arguments: tuple[str, ...] = ()
    token_file: str = ""


def find_running(paths: Paths) -> RunningDaemon | None:
    """The daemon of this user; None if there is none, or only the files of one that died."""
    running = _read(paths.runtime_file)
    if running is None or _process(running) is None or not _is_held(paths.lock):
        return None
    return running


def launch(paths: Paths, arguments: Sequence[str], command: Sequence[str] = SERVE) -> RunningDaemon:
    """Start a daemon that outlives this process and this terminal.

    Returns when it listens, which is before its model is loaded. If another process starts one at
    the same time, that one is returned.

    Raises:
        AlreadyRunning: there is one.
        StartFailed: it ended early, or did not listen in time; says what it said last.
    """
    if running := find_running(paths):
        raise already_running_error(running)
    create_folders(paths)
    with paths.log.open("ab") as log:
        said = log.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=Path.home(),
            start_new_session=has_unix_sockets(),
            creationflags=_no_window(),
        )
    try:
        return _await_fronts(paths, process, said)
    except BaseException:
        process.kill()
        raise
    finally:
        # Whoever launches and lives on, such as the bridge of an editor, must collect it one day.
        threading.Thread(target=process.wait, name="reap-daemon", daemon=True).start()


def stop(running: RunningDaemon, timeout_s: float) -> None:
    """End the daemon: asked first, forced after `timeout_s`. No process of it is left."""
    process = _process(running)
    if process is None:
        return
    family = _family(process)
    with suppress(psutil.NoSuchProcess):
        process.terminate()
    _await_end([process], timeout_s)
    for survivor in family:
        with suppress(psutil.NoSuchProcess):
            survivor.kill()
    _await_end(family, timeout_s)


def remove_stale_files(paths: Paths) -> None:
    """Remove what a killed daemon left behind; the files of a living one stay."""
    if any(file.exists() for file in (paths.lock, paths.runtime_file, paths.socket)):
        with suppress(AlreadyRunning), claim(paths):
            pass


@contextmanager
def claim(paths: Paths) -> Iterator[None]:
    """Be the one daemon while the block runs; no lock, socket or state file is left after it.

    Raises:
        AlreadyRunning: another process is.
    """
    create_folders(paths)
    lock = FileLock(paths.lock)
    try:
        # `find` holds the lock for an instant when it looks at it, hence a little patience; with
        # more, the loser of two starts would rise again when the winner is stopped at once.
        lock.acquire(timeout=0.2, poll_interval=0.01)
    except Timeout:
        raise already_running_error(find_running(paths)) from None
    try:
        _remove(paths.runtime_file, paths.socket)
        yield
    finally:
        _remove(paths.runtime_file, paths.socket)
        if has_unix_sockets():
            # Removed while held, so that it never is another daemon's; Windows removes it itself.
            _remove(paths.lock)
        lock.release()


def announce(
    paths: Paths,
    url: str,
    socket: str,
    version: str,
    arguments: Sequence[str],
    token_file: str = "",
) -> None:
    """Tell every other process of this user where this one, the daemon, listens."""
    pid = os.getpid()
    started = psutil.Process(pid).create_time()
    running = RunningDaemon(pid, url, socket, version, started, tuple(arguments), token_file)
    write_atomically(paths.runtime_file, msgspec.json.encode(running))


def withdraw(paths: Paths) -> None:
    """Take back `announce`: from now on `find` finds nobody."""
    _remove(paths.runtime_file)


def create_folders(paths: Paths) -> None:
    """Create the folders of a daemon; the runtime folder is for this user alone.

    Raises:
        StartFailed: one cannot be created, or belongs to somebody else.
    """
    try:
        # The settings' folder too: a daemon watches it for a file that may come later.
        paths.config.mkdir(parents=True, exist_ok=True)
        paths.state.mkdir(parents=True, exist_ok=True)
        paths.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths.runtime.chmod(0o700)
    except OSError as error:
        raise StartFailed(f"no folder for the daemon's files: {error}", _OTHER_FOLDER) from error
    if strangers := [f for f in (paths.runtime, paths.runtime.parent) if not _is_trusted(f)]:
        raise StartFailed(f"{strangers[0]} belongs to another user", _OTHER_FOLDER)


def _is_trusted(folder: Path) -> bool:
    # Whoever owns a folder in /tmp can put a socket of his own in the place of ours.
    return sys.platform == "win32" or folder.stat().st_uid in (0, os.getuid())


def already_running_error(running: RunningDaemon | None) -> AlreadyRunning:
    """The error for a second daemon; None stands for one that does not listen yet."""
    who = f"on {running.url} (pid {running.pid})" if running else "and is starting or ending"
    return AlreadyRunning(f"copilotd already runs {who}", "copilotd restart, or copilotd stop.")


def _await_fronts(paths: Paths, process: "subprocess.Popen[bytes]", said: int) -> RunningDaemon:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if running := find_running(paths):
            return running
        # A child that ended while somebody holds the lock lost a race: the winner is starting.
        if process.poll() is not None and not _is_held(paths.lock):
            break
        time.sleep(_POLL_S)
    raise _failure(paths.log, said)


def _failure(log: Path, said: int) -> StartFailed:
    lines = [line for line in log.read_bytes()[said:].decode(errors="replace").splitlines() if line]
    causes = [line for line in lines if line.startswith("error: ")] or lines[-1:]
    hints = [line for line in lines if line.startswith("next: ")]
    cause = causes[-1].removeprefix("error: ") if causes else "it said nothing"
    hint = hints[-1].removeprefix("next: ") if hints else "copilotd doctor."
    return StartFailed(f"the daemon did not start: {cause}", f"{hint} The whole log: {log}")


def _read(file: Path) -> RunningDaemon | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=RunningDaemon)
    except (OSError, msgspec.DecodeError):
        return None


def _process(running: RunningDaemon) -> psutil.Process | None:
    try:
        process = psutil.Process(running.pid)
        same = abs(process.create_time() - running.started) < _CLOCK_TOLERANCE_S
    except psutil.Error:
        return None
    return process if same and not _is_over(process) else None


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def _await_end(processes: Sequence[psutil.Process], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not all(map(_is_over, processes)) and time.monotonic() < deadline:
        time.sleep(_POLL_S / 5)


def _is_over(process: psutil.Process) -> bool:
    # Not `wait`: what has ended but was not collected by its parent yet holds nothing any more.
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _is_held(file: Path) -> bool:
    if not file.exists():
        return False
    try:
        with FileLock(file, timeout=0):
            return False
    except Timeout:
        return True


def _remove(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _no_window() -> int:
    if sys.platform != "win32":
        return 0
    return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
