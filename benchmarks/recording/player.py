"""Plays a recorded session to a client in real time."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.recording.buffer import Buffer, Change
from benchmarks.recording.timeline import Timeline
from benchmarks.recording.trace import (
    CloseEvent,
    CursorEvent,
    EditEvent,
    EndEvent,
    Event,
    FocusEvent,
    OpenEvent,
    RequestEvent,
)


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
        self.timeline = Timeline(lambda: 0.0)

    async def begin(self) -> None:
        """Before the first event: connect, and let the server warm up."""

    def on_open(self, buffer: Buffer) -> None:
        """A file was opened."""

    def on_focus(self, buffer: Buffer) -> None:
        """The programmer turned to a file."""

    def on_edit(self, buffer: Buffer, changes: Sequence[Change]) -> None:
        """A file was changed."""

    def on_cursor_move(self, buffer: Buffer) -> None:
        """The cursor moved."""

    def on_request(self, buffer: Buffer, event: RequestEvent) -> None:
        """Ghost text is wanted at the cursor."""

    def on_request_end(self, event: EndEvent) -> None:
        """The recorded request came to its end; a cancelled one is to be given up."""

    def on_close(self, buffer: Buffer) -> None:
        """A file was closed."""

    async def wait_for_answers(self) -> None:
        """Wait until every request is answered."""

    async def finish(self) -> None:
        """After the last event: disconnect."""

    async def work(self) -> tuple[Work, Work] | None:
        """All work since `begin`, and the wasted part of it; None if the server does not say."""
        return None


async def play(events: Sequence[Event], client: Client) -> float:
    """Tell `client` each event at its own time; gives the worst delay, in seconds."""
    begin = time.monotonic()
    client.timeline = Timeline(lambda: time.monotonic() - begin)
    buffers: dict[int, Buffer] = {}
    worst = 0.0
    for event in events:
        # Even with no time to lose, answers that came are to be read before the next event.
        await asyncio.sleep(max(0.0, event.time - client.timeline.now()))
        worst = max(worst, client.timeline.now() - event.time)
        _notify(client, buffers, event)
        print(f"\r{event.time:4.0f} s", end="", file=sys.stderr, flush=True)
    return worst


async def play_and_wait(events: Sequence[Event], client: Client) -> float:
    """The same, but the recording stands still while an answer is waited for: all are in time."""
    now = 0.0
    client.timeline = Timeline(lambda: now)
    buffers: dict[int, Buffer] = {}
    for event in events:
        now = event.time
        _notify(client, buffers, event)
        if isinstance(event, RequestEvent):
            await client.wait_for_answers()
        print(f"\r{event.time:4.0f} s", end="", file=sys.stderr, flush=True)
    return 0.0


def play_at_once(events: Sequence[Event], client: Client) -> None:
    """Tell `client` all events at once, with a clock that jumps; for one that needs no server."""
    now = 0.0
    client.timeline = Timeline(lambda: now)
    buffers: dict[int, Buffer] = {}
    for event in events:
        now = event.time
        _notify(client, buffers, event)


def _notify(client: Client, buffers: dict[int, Buffer], event: Event) -> None:
    match event:
        case OpenEvent(_, document, path, text):
            buffers[document] = Buffer(path, text)
            client.on_open(buffers[document])
        case FocusEvent(_, document):
            client.on_focus(buffers[document])
        case EditEvent(_, document, edits):
            client.on_edit(buffers[document], buffers[document].apply(edits))
        case CursorEvent(_, document, cursor):
            buffers[document].cursor = cursor
            client.on_cursor_move(buffers[document])
        case RequestEvent(_, document):
            client.timeline.add_request(event)
            client.on_request(buffers[document], event)
        case EndEvent():
            client.on_request_end(event)
        case CloseEvent(_, document):
            client.on_close(buffers.pop(document))
