"""Ghost text for one place of one file, requested over LSP and applied as an editor would."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from benchmarks.clients.copilotd import LAST
from benchmarks.recording.buffer import Buffer, from_utf16_units, to_utf16_units
from benchmarks.servers.daemon import RunningDaemon
from benchmarks.workloads.languages import find_language
from tests.lsp.raw_client import INLINE, RawClient, completion_params

_KINDS = {True: 1, False: 2}
"""InlineCompletionTriggerKind: invoked, automatic."""


@dataclass(frozen=True, slots=True)
class GhostText:
    """What an editor shows behind the cursor, after `ms` milliseconds; empty if it shows nothing.

    `rest` is what stays behind it on the line, and `accepted` is the whole file after the user
    accepts it. `evaluated` counts the prompt tokens that were evaluated for it. If `is_partial`,
    the model still writes. `status` and `reason` are the daemon's own.
    """

    text: str
    rest: str
    accepted: str
    ms: float
    is_partial: bool
    evaluated: int
    status: str
    reason: str


class GhostTextClient:
    """An editor that opens files, puts the cursor somewhere and asks for ghost text."""

    def __init__(self, editor: RawClient) -> None:
        self._editor = editor

    @classmethod
    async def connect(cls, daemon: RunningDaemon) -> "GhostTextClient":
        """Start a session."""
        editor = await RawClient.connect(daemon.socket)
        await editor.initialize("benchmark")
        return cls(editor)

    def open_file(self, name: str, text: str) -> str:
        """Open a file and give it the focus. Returns its URI."""
        uri = f"file:///w/{quote(name)}"
        self._editor.open_file(text, uri, find_language(name))
        self._editor.notify("textDocument/didFocus", {"textDocument": {"uri": uri}})
        return uri

    def close_file(self, uri: str) -> None:
        """Close the file."""
        self._editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    async def ask(self, uri: str, text: str, offset: int, *, invoked: bool) -> GhostText:
        """Request ghost text at `offset`, in code points, of the open file with this `text`."""
        buffer = Buffer(uri, to_utf16_units(text))
        cursor = len(to_utf16_units(text[:offset]))
        params = completion_params(*buffer.position(cursor), uri, _KINDS[invoked])
        started = time.perf_counter()
        answer = await self._editor.send_request(INLINE, params)[1]
        ms = (time.perf_counter() - started) * 1000
        if "error" in answer:
            raise RuntimeError(f"no answer for {uri}: {answer['error']}")
        record = await self._editor.request("workspace/executeCommand", {"command": LAST})
        items = (answer["result"] or {}).get("items", [])
        return _apply(buffer, cursor, items, ms, record)

    async def shut_down(self) -> None:
        """End the session."""
        await self._editor.shut_down()


def _apply(
    buffer: Buffer, cursor: int, items: list[dict[str, Any]], ms: float, record: dict[str, Any]
) -> GhostText:
    start, end, new = cursor, cursor, ""
    for item in items[:1]:
        places = [item["range"][side] for side in ("start", "end")]
        start, end = (buffer.offset((place["line"], place["character"])) for place in places)
        new = to_utf16_units(item["insertText"])
    return GhostText(
        text=from_utf16_units(new[cursor - start :]),
        rest=from_utf16_units(buffer.rest_of_line(end)),
        accepted=from_utf16_units(buffer.text[:start] + new + buffer.text[end:]),
        ms=ms,
        is_partial=record["is_piece"],
        evaluated=_count_evaluated(record),
        status=record["status"],
        reason=record["reason"],
    )


def _count_evaluated(record: dict[str, Any]) -> int:
    explanation = record["explanation"]
    if explanation["source"] != "engine":
        return 0
    evaluated = explanation["prompt_tokens"] - explanation["cached_tokens"]
    return int(evaluated + explanation["read_tokens"])
