"""`copilotd lsp`: the bytes between an editor's pipes and the daemon's socket.

The bridge reads nothing of what it carries but the client's last message. It ends when either side
closes. The exit code tells the editor whether to come back: 0 after the client's `exit` or the end
of its input, `NO_DAEMON` if none could be started, and `DAEMON_LOST` if it went away while the
client was still there, so that editors which restart a server that fails connect to the next one.

An editor waits for this process at its own start, so nothing heavy is imported here. Threads carry
the bytes because Windows can wait for a pipe in no other way.
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
from copilotd.lifecycle import Running
from copilotd.paths import Paths, has_unix_sockets

NO_DAEMON = 1
DAEMON_LOST = 3

_REQUEST_FAILED = -32803
_FAREWELL_S = 2.0
_CHUNK = 65536

# Inside a JSON string the quotes would be escaped, so code that contains this is no match.
_EXIT = re.compile(rb'"method"\s*:\s*"exit"')
_EXIT_LENGTH = 256


def bridge(daemon: Callable[[], Running], stdin: int, stdout: int) -> int:
    """Connect two file descriptors with the daemon that `daemon` finds; the exit code."""
    try:
        link = connect(daemon())
    except CopilotdError as error:
        reason = f"{error.message}. {error.hint}".strip()
        print(f"copilotd lsp: {reason}", file=sys.stderr)
        refuse(stdin, stdout, reason, error.retryable)
        return NO_DAEMON
    with link:
        if carry(link, stdin, stdout):
            return 0
    print("copilotd lsp: the daemon closed the connection", file=sys.stderr)
    return DAEMON_LOST


def reach(
    paths: Paths,
    find: Callable[[Paths], Running | None] = lifecycle.find,
    launch: Callable[[Paths, tuple[str, ...]], Running] = lifecycle.launch,
) -> Running:
    """The running daemon, started if there is none.

    Raises:
        StartFailed: it could not be started.

    """
    if running := find(paths):
        return running
    try:
        return launch(paths, ())
    except AlreadyRunning:
        # Somebody else started one between the two looks.
        if running := find(paths):
            return running
        raise


def connect(running: Running) -> socket.socket:
    """A connection to the daemon's LSP socket.

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


def carry(link: socket.socket, stdin: int, stdout: int) -> bool:
    """Carry bytes both ways until one side closes; whether that was the client's wish."""
    traffic = _Traffic(link, stdin, stdout)
    for direction in (traffic.send, traffic.receive):
        threading.Thread(target=direction, daemon=True).start()
    traffic.over.wait()
    if traffic.has_left:
        # The answer to its last request may still be on its way.
        traffic.hung_up.wait(_FAREWELL_S)
    return traffic.has_left


def refuse(stdin: int, stdout: int, reason: str, retryable: bool) -> None:
    """Answer the client's first request with an error, so that the editor can show the reason."""
    with os.fdopen(stdin, "rb", closefd=False) as stream:
        request = _first_request(stream)
    if request is None:
        return
    error = {
        "code": _REQUEST_FAILED,
        "message": f"copilotd: {reason}",
        "data": {"retry": retryable},
    }
    body = json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()
    _write(stdout, b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


class _Traffic:
    """Both directions, and how they ended.

    `has_left` is true once the client wants no more. `hung_up` is set when the daemon has closed,
    `over` when there is nothing more to carry.
    """

    def __init__(self, link: socket.socket, stdin: int, stdout: int) -> None:
        self._link, self._stdin, self._stdout = link, stdin, stdout
        self.has_left = False
        self.over = threading.Event()
        self.hung_up = threading.Event()

    def send(self) -> None:
        """Client to daemon."""
        last = b""
        with suppress(OSError):
            while data := os.read(self._stdin, _CHUNK):
                last = (last + data)[-_EXIT_LENGTH:]
                self.has_left = self.has_left or _EXIT.search(last) is not None
                self._link.sendall(data)
            self.has_left = True
            self._link.shutdown(socket.SHUT_WR)
            self.over.set()

    def receive(self) -> None:
        """Daemon to client."""
        with suppress(OSError):
            while data := self._link.recv(_CHUNK):
                if not _write(self._stdout, data):
                    self.has_left = True
                    break
        self.hung_up.set()
        self.over.set()


def _write(file: int, data: bytes) -> bool:
    """Write all of `data`; False if nobody reads any more."""
    try:
        while data:
            data = data[os.write(file, data) :]
    except OSError:
        return False
    return True


def _first_request(stream: BinaryIO) -> dict[str, Any] | None:
    """The first message that wants an answer; None if the stream ends before."""
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
