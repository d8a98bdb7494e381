"""`copilotd lsp`: pumps bytes between an editor's pipes and the daemon's socket.

The bridge parses none of the traffic, except to recognise the client's last message. It ends when
either side closes. The exit code tells the editor whether to reconnect: 0 after the client's `exit`
or the end of its input, `NO_DAEMON` if no daemon could be started, and `DAEMON_LOST` if the daemon
ended while the client was connected. An editor that restarts a failed server then connects to the
next daemon.

An editor waits for this process when it starts, so nothing heavy is imported here. Threads pump the
bytes because Windows has no other way to wait for a pipe.
"""

import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

from copilotd import lifecycle
from copilotd.errors import AlreadyRunning, CopilotdError, StartFailed
from copilotd.lifecycle import RunningDaemon
from copilotd.paths import Paths, has_unix_sockets

NO_DAEMON = 1
DAEMON_LOST = 3

_REQUEST_FAILED = -32803
_LAST_ANSWER_S = 2.0
_CHUNK = 65536

# Inside a JSON string the quotes are escaped, so code that contains this text does not match.
_EXIT = re.compile(rb'"method"\s*:\s*"exit"')
_EXIT_LENGTH = 256


def bridge(find_daemon: Callable[[], RunningDaemon], stdin: int, stdout: int) -> int:
    """Connect two file descriptors to the daemon that `find_daemon` finds; return the exit code."""
    try:
        link = connect(find_daemon())
    except CopilotdError as error:
        reason = f"{error.message}. {error.hint}".strip()
        print(f"copilotd lsp: {reason}", file=sys.stderr)
        refuse(stdin, stdout, reason, error.retryable)
        return NO_DAEMON
    with link:
        if pump(link, stdin, stdout):
            return 0
    print("copilotd lsp: the daemon closed the connection", file=sys.stderr)
    return DAEMON_LOST


def find_or_start(
    paths: Paths,
    find: Callable[[Paths], RunningDaemon | None] = lifecycle.find_running,
    launch: Callable[[Paths, tuple[str, ...]], RunningDaemon] = lifecycle.launch,
) -> RunningDaemon:
    """The running daemon; starts one if none runs.

    Raises:
        StartFailed: it could not be started.

    """
    if running := find(paths):
        return running
    try:
        return launch(paths, ())
    except AlreadyRunning:
        # Another process started a daemon after we looked for one.
        if running := find(paths):
            return running
        raise


def connect(running: RunningDaemon) -> socket.socket:
    """Connect to the daemon's LSP socket.

    Raises:
        StartFailed: it does not answer.

    """
    try:
        if not has_unix_sockets():
            host, _, port = running.socket.rpartition(":")
            return socket.create_connection((host, int(port)))
        link = socket.socket(socket.AF_UNIX)
        link.connect(running.socket)
        return link
    except OSError as error:
        raise StartFailed(
            f"the daemon (pid {running.pid}) does not answer at {running.socket}: {error}",
            "Try `copilotd restart`.",
        ) from error


def pump(link: socket.socket, stdin: int, stdout: int) -> bool:
    """Pump bytes both ways until one side closes; return whether the client closed it."""
    pumps = _Pumps(link, stdin, stdout)
    for direction in (pumps.send, pumps.receive):
        threading.Thread(target=direction, daemon=True).start()
    pumps.ended.wait()
    if pumps.client_left:
        # The answer to the client's last request may still be on its way.
        pumps.daemon_closed.wait(_LAST_ANSWER_S)
    return pumps.client_left


def refuse(stdin: int, stdout: int, reason: str, retryable: bool) -> None:
    """Answer the client's first request with an error, so that the editor can show the reason."""
    with os.fdopen(stdin, "rb", closefd=False) as stream:
        request = _read_first_request(stream)
    if request is None:
        return
    error = {
        "code": _REQUEST_FAILED,
        "message": f"copilotd: {reason}",
        "data": {"retry": retryable},
    }
    body = json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()
    _write_all(stdout, b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


class _Pumps:
    """One pump for each direction, and how they ended.

    `client_left` is true when the client no longer sends or reads. `daemon_closed` is set when the
    daemon has closed its side, `ended` when there is nothing left to pump.
    """

    def __init__(self, link: socket.socket, stdin: int, stdout: int) -> None:
        self._link, self._stdin, self._stdout = link, stdin, stdout
        self.client_left = False
        self.ended = threading.Event()
        self.daemon_closed = threading.Event()

    def send(self) -> None:
        """Pump from the client to the daemon."""
        last = b""
        with suppress(OSError):
            while data := os.read(self._stdin, _CHUNK):
                last = (last + data)[-_EXIT_LENGTH:]
                self.client_left = self.client_left or _EXIT.search(last) is not None
                self._link.sendall(data)
            self.client_left = True
            self._link.shutdown(socket.SHUT_WR)
            self.ended.set()

    def receive(self) -> None:
        """Pump from the daemon to the client."""
        with suppress(OSError):
            while data := self._link.recv(_CHUNK):
                if not _write_all(self._stdout, data):
                    self.client_left = True
                    break
        self.daemon_closed.set()
        self.ended.set()


def _write_all(file: int, data: bytes) -> bool:
    """Write all of `data`; return False if the reader has closed its end."""
    try:
        while data:
            data = data[os.write(file, data) :]
    except OSError:
        return False
    return True


def _read_first_request(stream: BinaryIO) -> dict[str, Any] | None:
    """The first message that expects an answer; None if the stream ends before one."""
    while header := stream.readline():
        name, _, value = header.partition(b":")
        if name.lower() != b"content-length":
            continue
        while stream.readline().strip():
            pass
        message = json.loads(stream.read(int(value)))
        if "id" in message and "method" in message:
            return dict(message)
    return None
