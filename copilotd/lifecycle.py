"""One daemon per user: how to find, start and stop it.

The daemon holds a lock while it runs, so the operating system releases it if the daemon is killed.
The runtime file next to the lock says where the daemon listens. It is valid only while its process
runs, has the creation time in the file, and the lock is held.
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

SERVE_COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "copilotd", "serve")
"""The command that runs the daemon."""

START_TIMEOUT_S = 60.0
"""A cold disk needs seconds to read the libraries; after a minute something is wrong."""

_FOLDER_HINT = "Make it writable for you, or point XDG_RUNTIME_DIR and XDG_STATE_HOME elsewhere."
_CLOCK_TOLERANCE_S = 2.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class RunningDaemon:
    """The contents of the runtime file of a running daemon.

    `socket` is the LSP address: a unix path, or "127.0.0.1:PORT" on Windows. `started` is the
    creation time of its process in seconds since the epoch, `arguments` its command line.
    `token_file` has the token that HTTP clients must send; empty if they need none.
    """

    pid: int
    url: str
    socket: str
    version: str
    started: float
    arguments: tuple[str, ...] = ()
    token_file: str = ""


def find_running(paths: Paths) -> RunningDaemon | None:
    """Return the daemon of this user; None if none runs. Ignores the files of a dead daemon."""
    running = _read_runtime_file(paths.runtime_file)
    if running is None or _find_process(running) is None or not _is_locked(paths.lock):
        return None
    return running


def launch(
    paths: Paths, arguments: Sequence[str], command: Sequence[str] = SERVE_COMMAND
) -> RunningDaemon:
    """Start a daemon that keeps running after this process and this terminal end.

    Returns when it listens, which is before its model is loaded. If another process starts a daemon
    at the same time, returns that one.

    Raises:
        AlreadyRunning: a daemon runs already.
        StartFailed: it ended early, or did not listen in time; the text has its last log line.
    """
    if running := find_running(paths):
        raise already_running_error(running)
    create_folders(paths)
    with paths.log.open("ab") as log:
        log_start = log.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=Path.home(),
            start_new_session=has_unix_sockets(),
            creationflags=_creation_flags(),
        )
    try:
        return _wait_until_listening(paths, process, log_start)
    except BaseException:
        process.kill()
        raise
    finally:
        # A caller that keeps running, such as an editor's bridge, must reap the ended process.
        threading.Thread(target=process.wait, name="reap-daemon", daemon=True).start()


def stop(running: RunningDaemon, timeout_s: float) -> None:
    """Terminate the daemon, and kill it with its children after `timeout_s` seconds."""
    process = _find_process(running)
    if process is None:
        return
    process_tree = _list_process_tree(process)
    with suppress(psutil.NoSuchProcess):
        process.terminate()
    _wait_for_exit([process], timeout_s)
    for survivor in process_tree:
        with suppress(psutil.NoSuchProcess):
            survivor.kill()
    _wait_for_exit(process_tree, timeout_s)


def remove_stale_files(paths: Paths) -> None:
    """Delete the files of a killed daemon; the files of a running daemon stay."""
    if any(file.exists() for file in (paths.lock, paths.runtime_file, paths.socket)):
        with suppress(AlreadyRunning), claim(paths):
            pass


@contextmanager
def claim(paths: Paths) -> Iterator[None]:
    """Be the only daemon during the block; delete lock, socket and runtime file at its end.

    Raises:
        AlreadyRunning: another process is the daemon.
    """
    create_folders(paths)
    lock = FileLock(paths.lock)
    try:
        # `find_running` holds the lock for an instant while it checks it, so wait a little. With a
        # longer wait, the loser of two starts would start when the winner is stopped at once.
        lock.acquire(timeout=0.2, poll_interval=0.01)
    except Timeout:
        raise already_running_error(find_running(paths)) from None
    try:
        _delete(paths.runtime_file, paths.socket)
        yield
    finally:
        _delete(paths.runtime_file, paths.socket)
        if has_unix_sockets():
            # The file is deleted while the lock is held, so it never belongs to another daemon.
            # Windows deletes it by itself.
            _delete(paths.lock)
        lock.release()


def announce(
    paths: Paths,
    url: str,
    socket: str,
    version: str,
    arguments: Sequence[str],
    token_file: str = "",
) -> None:
    """Write the runtime file: tell other processes of this user where this daemon listens."""
    pid = os.getpid()
    started = psutil.Process(pid).create_time()
    running = RunningDaemon(pid, url, socket, version, started, tuple(arguments), token_file)
    write_atomically(paths.runtime_file, msgspec.json.encode(running))


def withdraw(paths: Paths) -> None:
    """Undo `announce`: `find_running` returns None from now on."""
    _delete(paths.runtime_file)


def create_folders(paths: Paths) -> None:
    """Create the folders of the daemon; only this user can open the runtime folder.

    Raises:
        StartFailed: a folder cannot be created, or belongs to another user.
    """
    try:
        # Also the settings folder: the daemon watches it for a file that may be created later.
        paths.config.mkdir(parents=True, exist_ok=True)
        paths.state.mkdir(parents=True, exist_ok=True)
        paths.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths.runtime.chmod(0o700)
    except OSError as error:
        raise StartFailed(
            f"cannot create {error.filename} for the daemon's files: {error.strerror}", _FOLDER_HINT
        ) from error
    if untrusted := [f for f in (paths.runtime, paths.runtime.parent) if not _is_trusted(f)]:
        raise StartFailed(f"{untrusted[0]} belongs to another user", _FOLDER_HINT)


def _is_trusted(folder: Path) -> bool:
    # The owner of a folder in /tmp can replace our socket by another one.
    return sys.platform == "win32" or folder.stat().st_uid in (0, os.getuid())


def already_running_error(running: RunningDaemon | None) -> AlreadyRunning:
    """Return the error for a second daemon; None if the first daemon does not listen yet."""
    who = f"on {running.url} (pid {running.pid})" if running else "and is starting or ending"
    return AlreadyRunning(f"copilotd already runs {who}", "Run copilotd restart or copilotd stop.")


def _wait_until_listening(
    paths: Paths, process: "subprocess.Popen[bytes]", log_start: int
) -> RunningDaemon:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if running := find_running(paths):
            return running
        # If the child ended while the lock is held, another daemon is starting: wait for it.
        if process.poll() is not None and not _is_locked(paths.lock):
            break
        time.sleep(_POLL_S)
    raise _explain_failure(paths.log, log_start)


def _explain_failure(log: Path, log_start: int) -> StartFailed:
    lines = [
        line for line in log.read_bytes()[log_start:].decode(errors="replace").splitlines() if line
    ]
    causes = [line for line in lines if line.startswith("error: ")] or lines[-1:]
    hints = [line for line in lines if line.startswith("next: ")]
    cause = causes[-1].removeprefix("error: ") if causes else "it logged nothing"
    hint = hints[-1].removeprefix("next: ") if hints else "Run copilotd doctor."
    return StartFailed(f"the daemon did not start: {cause}", f"{hint} The whole log: {log}")


def _read_runtime_file(file: Path) -> RunningDaemon | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=RunningDaemon)
    except (OSError, msgspec.DecodeError):
        return None


def _find_process(running: RunningDaemon) -> psutil.Process | None:
    try:
        process = psutil.Process(running.pid)
        same = abs(process.create_time() - running.started) < _CLOCK_TOLERANCE_S
    except psutil.Error:
        return None
    return process if same and not _has_ended(process) else None


def _list_process_tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def _wait_for_exit(processes: Sequence[psutil.Process], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not all(map(_has_ended, processes)) and time.monotonic() < deadline:
        time.sleep(_POLL_S / 5)


def _has_ended(process: psutil.Process) -> bool:
    # Not `wait`: a zombie has ended and holds no resources, even if its parent has not reaped it.
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _is_locked(file: Path) -> bool:
    if not file.exists():
        return False
    try:
        with FileLock(file, timeout=0):
            return False
    except Timeout:
        return True


def _delete(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _creation_flags() -> int:
    if sys.platform != "win32":
        return 0
    return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
