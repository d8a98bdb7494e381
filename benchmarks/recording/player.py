"""Plays a recorded session to a client in real time."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.recording.buffer import Buffer, Change
from benchmarks.recording.timeline import Board
from benchmarks.recording.trace import Asked, Closed, Edited, Ended, Event, Focused, Moved, Opened


@dataclass(frozen=True, slots=True)
class Work:
    """Tokens that a server evaluated (not those that it had in its cache) and decoded."""

    evaluated: int = 0
    decoded: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.evaluated + other.evaluated, self.decoded + other.decoded)

    def __sub__(self, other: "Work") -> "Work":
        return Work(self.evaluated - other.evaluated, self.decoded - other.decoded)


class Client:
    """An editor's plugin: it is told what happens and puts what it would show on the board.

    No method of an event waits; buffers are as they are after it.
    """

    def __init__(self) -> None:
        self.board = Board(lambda: 0.0)

    async def begin(self) -> None:
        """Before the first event: connect, and let the server warm up."""

    def opened(self, buffer: Buffer) -> None:
        """A file was opened."""

    def focused(self, buffer: Buffer) -> None:
        """The programmer turned to a file."""

    def edited(self, buffer: Buffer, changes: Sequence[Change]) -> None:
        """A file was changed."""

    def moved(self, buffer: Buffer) -> None:
        """The cursor moved."""

    def asked(self, buffer: Buffer, asked: Asked) -> None:
        """Ghost text is wanted at the cursor."""

    def ended(self, ended: Ended) -> None:
        """The recorded request came to its end; a cancelled one is to be given up."""

    def closed(self, buffer: Buffer) -> None:
        """A file was closed."""

    async def settled(self) -> None:
        """Wait until every request is answered."""

    async def finish(self) -> None:
        """After the last event: disconnect."""

    async def work(self) -> tuple[Work, Work] | None:
        """All work since `begin`, and the wasted part of it; None if the server does not say."""
        return None


async def play(events: Sequence[Event], client: Client) -> float:
    """Tell `client` each event at its own time; gives the worst delay, in seconds."""
    begin = time.monotonic()
    client.board = Board(lambda: time.monotonic() - begin)
    buffers: dict[int, Buffer] = {}
    worst = 0.0
    for event in events:
        # Even with no time to lose, answers that came are to be read before the next event.
        await asyncio.sleep(max(0.0, event.time - client.board.now()))
        worst = max(worst, client.board.now() - event.time)
        _tell(client, buffers, event)
        print(f"\r{event.time:4.0f} s", end="", file=sys.stderr, flush=True)
    return worst


async def play_unhurried(events: Sequence[Event], client: Client) -> float:
    """The same, but the recording stands still while an answer is waited for: all are in time."""
    now = 0.0
    client.board = Board(lambda: now)
    buffers: dict[int, Buffer] = {}
    for event in events:
        now = event.time
        _tell(client, buffers, event)
        if isinstance(event, Asked):
            await client.settled()
        print(f"\r{event.time:4.0f} s", end="", file=sys.stderr, flush=True)
    return 0.0


def rehearse(events: Sequence[Event], client: Client) -> None:
    """Tell `client` all events at once, with a clock that jumps; for one that needs no server."""
    now = 0.0
    client.board = Board(lambda: now)
    buffers: dict[int, Buffer] = {}
    for event in events:
        now = event.time
        _tell(client, buffers, event)


def _tell(client: Client, buffers: dict[int, Buffer], event: Event) -> None:
    match event:
        case Opened(_, document, path, text):
            buffers[document] = Buffer(path, text)
            client.opened(buffers[document])
        case Focused(_, document):
            client.focused(buffers[document])
        case Edited(_, document, edits):
            client.edited(buffers[document], buffers[document].apply(edits))
        case Moved(_, document, cursor):
            buffers[document].cursor = cursor
            client.moved(buffers[document])
        case Asked(_, document):
            client.board.ask(event)
            client.asked(buffers[document], event)
        case Ended():
            client.ended(event)
        case Closed(_, document):
            client.closed(buffers.pop(document))
