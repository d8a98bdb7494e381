"""Deadlines for slow clients, and the limit on connections.

Without deadlines, a client that sends its request byte by byte, or that does not read its response,
keeps a connection, memory and a place in the engine's queue as long as it likes.

uvicorn has no such deadlines, so `TimedProtocol` extends its `H11Protocol`, which is not a public
interface. pyproject.toml therefore pins uvicorn's minor version; raise it together with
tests/http/test_slow_clients.py, which covers every deadline.
"""

import asyncio
from dataclasses import dataclass

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_MIN_READ = 64 * 1024
"""Bytes that a client must read in every `read_s` once the buffers of the system are full."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each part of a request, and the limit on connections.

    `idle_s` is longer than clients keep an idle connection. Otherwise the server could close a
    connection on which the next request is already on its way.
    """

    idle_s: int = 30
    head_s: float = 10.0
    body_s: float = 60.0
    read_s: float = 60.0
    connections: int = 512


class TimedProtocol(H11Protocol):
    """uvicorn's side of one connection; a client that misses a deadline is disconnected.

    While a client does not read, its stream is suspended. The engine's output for it waits in
    memory: at most the rest of one answer, which has no more than `n_ctx` tokens.
    """

    timeouts = Timeouts()

    _request_timer: asyncio.TimerHandle | None = None
    _expected: object = None
    _read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the connection, or close it if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.timeouts.connections:
            transport.abort()
            return
        # uvicorn itself starts this timer only after the first request.
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeouts.idle_s, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection and its timers."""
        for timer in (self._request_timer, self._read_timer):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Process the bytes that have come, then set the deadline of the part that comes next."""
        super().handle_events()
        if (expected := self._expected_part()) == self._expected:
            return
        self._expected = expected
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None
        if expected is not None:
            self._request_timer = self.loop.call_later(expected[1], self.transport.abort)

    def pause_writing(self) -> None:
        """The client does not read: give it `read_s` seconds."""
        super().pause_writing()
        if self._read_timer is None:
            self._start_read_timer()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _start_read_timer(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._read_timer = self.loop.call_later(self.timeouts.read_s, self._check_progress, unread)

    def _check_progress(self, unread_before: int) -> None:
        if self.transport.get_write_buffer_size() > unread_before - _MIN_READ:
            self.transport.abort()
        else:
            # This allows for a slow connection and a long response, such as a list of embeddings.
            self._start_read_timer()

    def _expected_part(self) -> tuple[object, float] | None:
        """The part of a request that is incomplete, and its seconds; None between requests.

        The cycle tells the body of one request from the body of the next.
        """
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            return self.cycle, self.timeouts.body_s
        if state is h11.IDLE and self.conn.trailing_data[0]:
            return None, self.timeouts.head_s
        return None
