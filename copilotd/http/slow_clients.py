"""How long a client may take over its part, and how many connections there can be.

Without such limits a client that sends its request byte by byte, or that does not read its answer,
keeps a connection, memory and a place in the engine's queue for as long as it likes.
"""

import asyncio
from dataclasses import dataclass

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_PROGRESS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for each part of a request, and the number of connections.

    `idle_s` is longer than clients keep an idle connection, so that it is never the server that
    closes one on which the next request is already under way. Once more is sent than the system
    takes, the client has to read `_PROGRESS` bytes of it in every `read_s`.
    """

    idle_s: int = 30
    head_s: float = 10.0
    body_s: float = 60.0
    read_s: float = 60.0
    connections: int = 512


class TimedProtocol(H11Protocol):
    """uvicorn's side of one connection, with deadlines; whoever misses one is cut off.

    What the model writes meanwhile is kept: a suspended stream has at most the rest of one answer
    waiting, which `n_ctx` tokens bound.
    """

    patience = Patience()

    _deadline: asyncio.TimerHandle | None = None
    _awaited: object = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; one connection too many ends at once."""
        super().connection_made(transport)
        if len(self.connections) > self.patience.connections:
            transport.abort()
            return
        # uvicorn would wait for the first byte for ever.
        self.timeout_keep_alive_task = self.loop.call_later(
            self.patience.idle_s, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """End, with all deadlines."""
        for timer in (self._deadline, self._unread):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take in what has come, then see what is awaited now and until when."""
        super().handle_events()
        if (awaited := self._missing()) == self._awaited:
            return
        self._awaited = awaited
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if awaited is not None:
            self._deadline = self.loop.call_later(awaited[1], self.transport.abort)

    def pause_writing(self) -> None:
        """The client has not read for a while: give it some more time."""
        super().pause_writing()
        if self._unread is None:
            self._expect_reading()

    def resume_writing(self) -> None:
        """It reads."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _expect_reading(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(self.patience.read_s, self._check_reading, left)

    def _check_reading(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - _PROGRESS:
            self.transport.abort()
        else:
            # A slow line and a long answer, say a list of embeddings.
            self._expect_reading()

    def _missing(self) -> tuple[object, float] | None:
        """What of a request is still to come (the cycle tells one request from the next)."""
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            return self.cycle, self.patience.body_s
        if state is h11.IDLE and self.conn.trailing_data[0]:
            return None, self.patience.head_s
        return None
