"""The worker's end of the pipe: commands in, events out, in the frames of `protocol.py`."""

import os
import sys
import threading
from typing import BinaryIO

import msgspec

from copilotd.engine.protocol import Command, Event, Failed, Notice, Result
from copilotd.errors import EngineError


def make_failure(id: int, error: EngineError) -> Failed:
    """The error of command `id` as an event for the daemon."""
    return Failed(id, type(error).__name__, error.message, error.hint)


class EventWriter:
    """Writes events to the daemon. Any thread may call it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._encoder = msgspec.msgpack.Encoder()

    def send(self, event: Event | Notice) -> None:
        """Write one frame."""
        body = self._encoder.encode(event)
        with self._lock:
            self._stream.write(len(body).to_bytes(4, "big") + body)
            self._stream.flush()

    def send_result(self, id: int, value: object) -> None:
        """Send the value of command `id`."""
        self.send(Result(id, msgspec.Raw(self._encoder.encode(value))))

    def send_notice(self, message: str) -> None:
        """Send a message for the daemon's log."""
        self.send(Notice(message))


def read_command(stream: BinaryIO) -> Command | None:
    """Read the next command; None when the daemon is gone."""
    header = stream.read(4)
    body = stream.read(int.from_bytes(header, "big")) if len(header) == 4 else b""
    return msgspec.msgpack.decode(body, type=Command) if body else None


def take_over_stdout() -> BinaryIO:
    """The stream that was stdout. The new stdout is stderr, because libraries print to stdout."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return stream
