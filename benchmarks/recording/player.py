"""Plays a recorded session to a client in real time."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.progress import show_progress
from benchmarks.recording.buffer import Buffer, Change
from benchmarks.recording.timeline import Timeline, find_rest_of_line
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
    """Tokens that a server evaluated (without those in its cache) and decoded."""

    evaluated: int = 0
    decoded: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.evaluated + other.evaluated, self.decoded + other.decoded)

    def __sub__(self, other: "Work") -> "Work":
        return Work(self.evaluated - other.evaluated, self.decoded - other.decoded)


class Client:
    """The plugin of an editor: it receives the events and puts what it would show on `timeline`.

    An event method does not wait. The buffers have the state after the event.
    """

    def __init__(self) -> None:
        self.timeline = Timeline(lambda: 0.0)

    async def begin(self) -> None:
        """Connect and warm up the server, before the first event."""

    def on_open(self, buffer: Buffer) -> None:
        """A file is opened."""

    def on_focus(self, buffer: Buffer) -> None:
        """The programmer changes to a file."""

    def on_edit(self, buffer: Buffer, changes: Sequence[Change]) -> None:
        """A file is changed."""

    def on_cursor_move(self, buffer: Buffer) -> None:
        """The cursor moves."""

    def on_request(self, buffer: Buffer, event: RequestEvent) -> None:
        """The editor requests ghost text at the cursor."""

    def on_request_end(self, event: EndEvent) -> None:
        """The recorded request ends. If it is cancelled, the client cancels its own request."""

    def on_close(self, buffer: Buffer) -> None:
        """A file is closed."""

    async def wait_for_answers(self) -> None:
        """Wait until every request is answered."""

    async def finish(self) -> None:
        """Disconnect, after the last event."""

    async def work(self) -> tuple[Work, Work] | None:
        """All work since `begin`, and the wasted part; None if the server does not report it."""
        return None

    def background_cpu_s(self) -> float | None:
        """CPU seconds between an answer and the next request; None if the client does not know."""
        return None


async def play(events: Sequence[Event], client: Client) -> float:
    """Send each event to `client` at its own time. Returns the worst delay in seconds."""
    begin = time.monotonic()
    client.timeline = Timeline(lambda: time.monotonic() - begin)
    buffers: dict[int, Buffer] = {}
    worst = 0.0
    for event in events:
        # Sleep even for 0 s, so that answers that arrived are read before the next event.
        await asyncio.sleep(max(0.0, event.time - client.timeline.now()))
        worst = max(worst, client.timeline.now() - event.time)
        _notify(client, buffers, event)
        show_progress(f"{event.time:4.0f} s")
    return worst


async def play_and_wait(events: Sequence[Event], client: Client) -> float:
    """Like `play`, but the recording stops until each answer arrives, so all are in time."""
    now = 0.0
    client.timeline = Timeline(lambda: now)
    buffers: dict[int, Buffer] = {}
    for event in events:
        now = event.time
        _notify(client, buffers, event)
        if isinstance(event, RequestEvent):
            await client.wait_for_answers()
        show_progress(f"{event.time:4.0f} s")
    return 0.0


def play_at_once(events: Sequence[Event], client: Client) -> None:
    """Send all events without a pause, with a clock that jumps; for a client without a server."""
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
            client.timeline.add_request(event, find_rest_of_line(buffers[document]))
            client.on_request(buffers[document], event)
        case EndEvent():
            client.on_request_end(event)
        case CloseEvent(_, document):
            client.on_close(buffers.pop(document))
