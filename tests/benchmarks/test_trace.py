"""What the benchmark reads from a recorded session."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recording.buffer import Edit
from benchmarks.recording.trace import (
    CloseEvent,
    CursorEvent,
    EditEvent,
    EndEvent,
    Event,
    FocusEvent,
    OpenEvent,
    RequestEvent,
    read_trace,
)

HEADER = {"kind": "header", "documentType": "workspaceRecording@1.0", "time": 1000}
TEXT = "def add(a, b):\n    \n\nprint(add(1, 2))\n"

Entry = dict[str, Any]


def describe_file(id: int, path: str, text: str) -> list[Entry]:
    return [
        {"kind": "documentEncountered", "time": 1000, "id": id, "relativePath": path},
        {"kind": "setContent", "time": 1000, "id": id, "content": text, "v": 1},
    ]


def change_entry(time: int, *edits: tuple[int, int, str], id: int = 0) -> Entry:
    return {"kind": "changed", "time": time, "id": id, "edit": edits, "v": 2}


def selection_entry(time: int, cursor: int, id: int = 0) -> Entry:
    return {"kind": "selectionChanged", "time": time, "id": id, "selection": [[cursor, cursor]]}


def request_entry(time: int, request: int, id: int = 0) -> Entry:
    data = {"sourceId": "InlineCompletions.fetch", "kind": "start", "requestId": request}
    return {"kind": "documentEvent", "time": time, "id": id, "data": data}


def end_entry(time: int, request: int, **data: Any) -> Entry:
    data |= {"sourceId": "InlineCompletions.fetch", "kind": "end", "requestId": request}
    return {"kind": "event", "time": time, "data": {"result": [], **data}}


def read_entries(folder: Path, *entries: Entry, **options: float) -> list[Event]:
    path = folder / "session.w.json"
    path.write_text(json.dumps({"log": [HEADER, *entries]}), encoding="utf-8")
    return read_trace(path, **options)


def list_gold(events: list[Event]) -> list[str | None]:
    return [event.gold for event in events if isinstance(event, RequestEvent)]


def test_a_file_opens_with_its_first_focus(tmp_path: Path) -> None:
    files = [*describe_file(0, "a\\a.py", TEXT), *describe_file(1, "b.py", "")]
    events = read_entries(
        tmp_path, *files, selection_entry(1500, 19), change_entry(1600, (19, 19, "r"))
    )
    assert events == [
        OpenEvent(0.5, 0, "a/a.py", TEXT),
        FocusEvent(0.5, 0),
        CursorEvent(0.5, 0, 19),
        EditEvent(0.6, 0, (Edit(19, 19, "r"),)),
    ]


def test_each_change_of_the_file_is_a_focus_event(tmp_path: Path) -> None:
    files = [*describe_file(0, "a.py", ""), *describe_file(1, "b.py", "")]
    turns = [selection_entry(1100, 0), selection_entry(1200, 0, id=1), selection_entry(1300, 0)]
    events = read_entries(tmp_path, *files, *turns)
    focused = [event for event in events if isinstance(event, FocusEvent)]
    assert focused == [FocusEvent(0.1, 0), FocusEvent(0.2, 1), FocusEvent(0.3, 0)]


def test_a_file_whose_text_is_not_known_is_left_out(tmp_path: Path) -> None:
    unknown = {"kind": "documentEncountered", "time": 1000, "id": 0, "relativePath": "a.py"}
    touched = [
        selection_entry(1100, 0),
        change_entry(1200, (0, 0, "x")),
        request_entry(1300, 1),
        end_entry(1400, 1),
    ]
    assert read_entries(tmp_path, unknown, *touched) == []


def test_a_new_text_is_an_edit_of_the_whole_file(tmp_path: Path) -> None:
    again = {"kind": "setContent", "time": 1200, "id": 0, "content": "new", "v": 2}
    events = read_entries(
        tmp_path, *describe_file(0, "a.py", "old one"), selection_entry(1100, 0), again
    )
    assert events[-1] == EditEvent(0.2, 0, (Edit(0, 7, "new"),))


def test_stored_text_comes_back(tmp_path: Path) -> None:
    stored = {"kind": "storeContent", "time": 1200, "id": 0, "contentId": "c", "v": 1}
    restored = {"kind": "restoreContent", "time": 1400, "id": 0, "contentId": "c", "v": 3}
    edits = [selection_entry(1100, 0), stored, change_entry(1300, (0, 3, "")), restored]
    events = read_entries(tmp_path, *describe_file(0, "a.py", "old"), *edits)
    assert events[-1] == EditEvent(0.4, 0, (Edit(0, 0, "old"),))


def test_a_closed_file_opens_again_as_it_was(tmp_path: Path) -> None:
    closed = {"kind": "closed", "time": 1300, "id": 0}
    entries = [change_entry(1200, (0, 0, "x")), closed, selection_entry(1400, 1)]
    events = read_entries(tmp_path, *describe_file(0, "a.py", ""), *entries)
    assert events == [
        OpenEvent(0.2, 0, "a.py", ""),
        EditEvent(0.2, 0, (Edit(0, 0, "x"),)),
        CloseEvent(0.3, 0),
        OpenEvent(0.4, 0, "a.py", "x"),
        FocusEvent(0.4, 0),
        CursorEvent(0.4, 0, 1),
    ]


def test_an_answer_is_in_time_before_the_next_edit_or_request(tmp_path: Path) -> None:
    entries = [
        selection_entry(1100, 0),
        request_entry(1200, 1),
        selection_entry(1250, 0),
        request_entry(1300, 2),
    ]
    entries += [change_entry(1400, (0, 0, "x")), request_entry(1500, 3), end_entry(1900, 3)]
    events = read_entries(tmp_path, *describe_file(0, "a.py", ""), *entries)
    deadlines = [event.deadline for event in events if isinstance(event, RequestEvent)]
    assert deadlines == [0.3, 0.4, 0.9]


def test_gold_is_the_rest_of_the_line_half_a_minute_later(tmp_path: Path) -> None:
    entries = [
        selection_entry(1100, 19),
        request_entry(1200, 1),
        change_entry(1300, (0, 0, "# new\n")),
    ]
    entries += [change_entry(1400, (25, 25, "return a")), change_entry(31200, (33, 33, " + b"))]
    entries += [change_entry(31201, (37, 37, " + c"))]
    assert list_gold(read_entries(tmp_path, *describe_file(0, "a.py", TEXT), *entries)) == [
        "return a + b"
    ]


def test_gold_at_the_end_of_a_recording_is_the_text_at_the_end(tmp_path: Path) -> None:
    entries = [
        selection_entry(1100, 19),
        request_entry(1200, 1),
        change_entry(1300, (19, 19, "pass")),
    ]
    assert list_gold(read_entries(tmp_path, *describe_file(0, "a.py", TEXT), *entries)) == ["pass"]


@pytest.mark.parametrize(
    ("edit", "gold"),
    [
        ((17, 19, ""), "x"),
        ((17, 19, "y"), "x"),
        ((19, 20, ""), ""),
        ((17, 20, "y"), None),
    ],
)
def test_there_is_no_gold_where_text_on_both_sides_was_replaced(
    tmp_path: Path, edit: tuple[int, int, str], gold: str | None
) -> None:
    text = TEXT[:19] + "x" + TEXT[19:]
    entries = [selection_entry(1100, 19), request_entry(1200, 1), change_entry(1300, edit)]
    assert list_gold(read_entries(tmp_path, *describe_file(0, "a.py", text), *entries)) == [gold]


def test_a_recorded_answer_begins_at_the_cursor(tmp_path: Path) -> None:
    result = [{"range": "[2,1 -> 2,6]", "text": "    return a + b", "source": "copilot"}]
    entries = [selection_entry(1100, 19), request_entry(1200, 1), end_entry(1300, 1, result=result)]
    events = read_entries(
        tmp_path, *describe_file(0, "a.py", TEXT.replace("    ", "    )")), *entries
    )
    assert events[-1] == EndEvent(0.3, 1, False, "return a + b", overwrites=1)


def test_a_cancelled_request_says_so(tmp_path: Path) -> None:
    entries = [
        selection_entry(1100, 19),
        request_entry(1200, 1),
        end_entry(1300, 1, error="canceled"),
    ]
    events = read_entries(tmp_path, *describe_file(0, "a.py", TEXT), *entries)
    assert events[-1] == EndEvent(0.3, 1, is_cancelled=True)


def test_offsets_count_in_utf_16(tmp_path: Path) -> None:
    entries = [selection_entry(1100, 2), request_entry(1200, 1), change_entry(1300, (2, 2, "b"))]
    events = read_entries(tmp_path, *describe_file(0, "a.txt", "\U0001f600c"), *entries)
    assert list_gold(events) == ["bc"]


def test_a_clock_that_goes_back_stands_still(tmp_path: Path) -> None:
    entries = [selection_entry(1500, 0), change_entry(1490, (0, 0, "x"))]
    assert read_entries(tmp_path, *describe_file(0, "a.py", ""), *entries)[-1].time == 0.5


def test_only_the_first_seconds_are_read(tmp_path: Path) -> None:
    entries = [change_entry(1400, (0, 0, "x")), change_entry(1600, (0, 0, "y"))]
    events = read_entries(tmp_path, *describe_file(0, "a.py", ""), *entries, seconds=0.5)
    assert [type(event) for event in events] == [OpenEvent, EditEvent]


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "session.w.json"
    path.write_text(json.dumps({"log": [HEADER | {"documentType": "else@1.0"}]}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"is not a workspaceRecording@1\.0"):
        read_trace(path)
