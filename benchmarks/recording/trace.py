"""A programmer's recorded session, read from a workspace recording (`*.w.json`) of VS Code.

The recording becomes a list of events, in its order and with its times. Events about a file whose
text the recording does not contain are left out.

The gold of a request is the rest of its line 30 seconds later, seen from its cursor. The cursor
moves with the text, and text typed at the cursor goes behind it. There is no gold where a later
edit replaced text on both sides of the cursor.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.recording.buffer import Buffer, Edit, Position, to_utf16_units

FORMAT = "workspaceRecording@1.0"
LATER_S = 30.0
FETCH = "InlineCompletions.fetch"

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """The programmer changes to a file for the first time; `text` is its text at that time."""

    time: float
    document: int
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class FocusEvent:
    """The programmer changes to another open file."""

    time: float
    document: int


@dataclass(frozen=True, slots=True)
class EditEvent:
    """An open file changes; all offsets refer to the text before."""

    time: float
    document: int
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class CursorEvent:
    """The cursor of an open file moves to an offset."""

    time: float
    document: int
    cursor: int


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """The editor requests ghost text; an answer is in time before `deadline`."""

    time: float
    document: int
    request: int
    cursor: int
    deadline: float = 0.0
    gold: str | None = None


@dataclass(frozen=True, slots=True)
class EndEvent:
    """The end of a request in the recording: cancelled by the editor, or with text for the cursor.

    The text replaces the next `overwrites` characters.
    """

    time: float
    request: int
    is_cancelled: bool
    text: str = ""
    overwrites: int = 0


@dataclass(frozen=True, slots=True)
class CloseEvent:
    """A file is closed or deleted."""

    time: float
    document: int


Event = OpenEvent | FocusEvent | EditEvent | CursorEvent | RequestEvent | EndEvent | CloseEvent


def read_trace(path: Path, seconds: float = float("inf")) -> list[Event]:
    """The events of the first `seconds` of a recording, which starts at time 0.

    Raises:
        ValueError: the file is not a recording of the known format.
    """
    log = json.loads(path.read_text(encoding="utf-8"))["log"]
    if log[0].get("documentType") != FORMAT:
        raise ValueError(f"{path} is not a {FORMAT}")
    events = _add_gold(_add_deadlines(list(TraceReader(log[0]["time"]).events(log))))
    return [event for event in events if event.time <= seconds]


@dataclass
class TraceReader:
    """Follows which files are known, which are open, and which one has the focus."""

    begin: float
    paths: dict[int, str] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    buffers: dict[int, Buffer] = field(default_factory=dict)
    requests: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    focused: int | None = None

    def events(self, log: list[Entry]) -> Iterator[Event]:
        """The events of all entries; if the clock goes back a little, the time stands still."""
        now = 0.0
        for entry in log:
            now = max(now, (entry.get("time", self.begin) - self.begin) / 1000)
            read_entry = getattr(self, f"_read_{entry['kind']}", None)
            if read_entry is not None:
                yield from read_entry(now, entry)

    def _read_documentEncountered(self, now: float, entry: Entry) -> Iterator[Event]:
        self.paths[entry["id"]] = entry["relativePath"].replace("\\", "/")
        yield from ()

    def _read_setContent(self, now: float, entry: Entry) -> Iterator[Event]:
        yield from self._set_text(now, entry["id"], to_utf16_units(entry["content"]))

    def _read_storeContent(self, now: float, entry: Entry) -> Iterator[Event]:
        buffer = self.buffers.get(entry["id"])
        self.stored[entry["contentId"]] = buffer.text if buffer else self.texts[entry["id"]]
        yield from ()

    def _read_restoreContent(self, now: float, entry: Entry) -> Iterator[Event]:
        yield from self._set_text(now, entry["id"], self.stored[entry["contentId"]])

    def _set_text(self, now: float, document: int, text: str) -> Iterator[Event]:
        """Set the whole text of a file; if the file is open, this is an edit."""
        self.texts[document] = text
        buffer = self.buffers.get(document)
        if buffer is not None and buffer.text != text:
            edit = Edit(0, len(buffer.text), text)
            buffer.apply([edit])
            yield EditEvent(now, document, (edit,))

    def _read_opened(self, now: float, entry: Entry) -> Iterator[Event]:
        yield from self._open(now, entry["id"])

    def _read_closed(self, now: float, entry: Entry) -> Iterator[Event]:
        buffer = self.buffers.pop(entry["id"], None)
        if buffer is not None:
            self.texts[entry["id"]] = buffer.text
            yield CloseEvent(now, entry["id"])

    def _read_focused(self, now: float, entry: Entry) -> Iterator[Event]:
        yield from self._focus(now, entry["id"])

    def _read_changed(self, now: float, entry: Entry) -> Iterator[Event]:
        yield from self._open(now, entry["id"])
        if buffer := self.buffers.get(entry["id"]):
            edits = tuple(
                Edit(start, end, to_utf16_units(text)) for start, end, text in entry["edit"]
            )
            buffer.apply(edits)
            yield EditEvent(now, entry["id"], edits)

    def _read_selectionChanged(self, now: float, entry: Entry) -> Iterator[Event]:
        yield from self._focus(now, entry["id"])
        if (buffer := self.buffers.get(entry["id"])) and entry["selection"]:
            buffer.cursor = entry["selection"][0][0]
            yield CursorEvent(now, entry["id"], buffer.cursor)

    def _read_documentEvent(self, now: float, entry: Entry) -> Iterator[Event]:
        data = entry["data"]
        if (data.get("sourceId"), data.get("kind")) != (FETCH, "start"):
            return
        yield from self._focus(now, entry["id"])
        if buffer := self.buffers.get(entry["id"]):
            self.requests[data["requestId"]] = buffer.path, buffer.cursor, buffer.text
            yield RequestEvent(now, entry["id"], data["requestId"], buffer.cursor)

    def _read_event(self, now: float, entry: Entry) -> Iterator[Event]:
        data = entry["data"]
        request = self.requests.pop(data.get("requestId"), None)
        if request is None or data.get("kind") != "end":
            return
        if data.get("error"):
            yield EndEvent(now, data["requestId"], is_cancelled=True)
        else:
            text, overwrites = _extract_ghost_text(data["result"], *request)
            yield EndEvent(now, data["requestId"], False, text, overwrites)

    def _open(self, now: float, document: int) -> Iterator[Event]:
        if document not in self.buffers and document in self.texts:
            path = self.paths.get(document, f"{document}.txt")
            self.buffers[document] = Buffer(path, self.texts[document])
            yield OpenEvent(now, document, path, self.texts[document])

    def _focus(self, now: float, document: int) -> Iterator[Event]:
        yield from self._open(now, document)
        if document in self.buffers and document != self.focused:
            self.focused = document
            yield FocusEvent(now, document)


def _extract_ghost_text(result: list[Entry], path: str, cursor: int, text: str) -> tuple[str, int]:
    """The first recorded answer as text behind the cursor, and how much it overwrites there."""
    then = Buffer(path, text)
    for answer in result[:1]:
        start, end = (then.offset(place) for place in _parse_range(answer["range"]))
        head, new = text[start:cursor], to_utf16_units(answer["text"])
        if new.startswith(head):
            return new[len(head) :], max(0, end - cursor)
    return "", 0


def _parse_range(words: str) -> Iterator[Position]:
    """Parse "[63,1 -> 63,18]", which counts from 1."""
    for place in words.strip("[]").split(" -> "):
        line, character = place.split(",")
        yield int(line) - 1, int(character) - 1


def _add_deadlines(events: list[Event]) -> list[Event]:
    """Set each deadline to the next edit or request in any file."""
    done: list[Event] = []
    next_at = events[-1].time if events else 0.0
    for event in reversed(events):
        done.append(replace(event, deadline=next_at) if isinstance(event, RequestEvent) else event)
        if isinstance(event, EditEvent | RequestEvent):
            next_at = event.time
    return done[::-1]


def _add_gold(events: list[Event]) -> list[Event]:
    gold = dict(_find_gold(events))
    return [
        replace(event, gold=gold.get(event.request)) if isinstance(event, RequestEvent) else event
        for event in events
    ]


def _find_gold(events: list[Event]) -> Iterator[tuple[int, str]]:
    """The gold of each request that has one."""
    buffers: dict[int, Buffer] = {}
    places: dict[int, tuple[RequestEvent, int]] = {}
    for event in events:
        for request, place in [*places.values()]:
            if event.time > request.time + LATER_S:
                del places[request.request]
                yield request.request, buffers[request.document].rest_of_line(place)
        if isinstance(event, OpenEvent):
            buffers[event.document] = Buffer(event.path, event.text)
        elif isinstance(event, RequestEvent):
            places[event.request] = event, event.cursor
        elif isinstance(event, EditEvent):
            buffers[event.document].apply(event.edits)
            places = _shift_places(places, event)
    for request, place in places.values():
        yield request.request, buffers[request.document].rest_of_line(place)


def _shift_places(
    places: dict[int, tuple[RequestEvent, int]], edit_event: EditEvent
) -> dict[int, tuple[RequestEvent, int]]:
    """Move the cursors of earlier requests along with an edit.

    A cursor inside the replaced text is dropped.
    """
    kept = {}
    for number, (request, place) in places.items():
        edits = edit_event.edits if request.document == edit_event.document else ()
        if not any(edit.start < place < edit.end for edit in edits):
            before = [e for e in edits if e.end <= place and e.start < place]
            shift = sum(len(edit.text) - (edit.end - edit.start) for edit in before)
            kept[number] = request, place + shift
    return kept
