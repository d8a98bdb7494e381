"""Time a key that is typed along a suggestion: from sending the change to the answer.

    python -m benchmarks.typed_through --model MODEL.gguf

The benchmark uses the daemon's LSP socket, with a file of 500 lines and one of 5,000. It requests
ghost text once in the middle of a function of Python's standard library, and types it character by
character, with a request after each. It stops before the last character, because the daemon can
answer so many keys without the model. The table counts the keys for which the daemon used the model
nevertheless. The next key comes as soon as the answer arrives. The engine's column is the first
request, which the model does answer.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2

from benchmarks.measure import describe_machine, render_spread
from benchmarks.options import create_parser
from benchmarks.progress import show_progress
from benchmarks.servers.daemon import RunningDaemon, run_daemon
from benchmarks.workloads.functions import NAMES, Function, load_function
from tests.lsp.raw_client import INLINE, RawClient, completion_params, content_change

LINES = (500, 5000)
STEP = 12
TIMEOUT_S = 120.0
INVOKED = 1
AUTOMATIC = 2


@dataclass
class Timings:
    """Measurements in files of one size."""

    first_ms: list[float] = field(default_factory=list)
    keys_ms: list[float] = field(default_factory=list)
    asked_again: int = 0


def main() -> None:
    """Print the table."""
    options = _parse_options()
    typed = {}
    for lines in LINES:
        show_progress(f"{lines} lines")
        # A new daemon for each size, because a daemon that knows the function answers sooner.
        with run_daemon(options.model, MODEL__AUTO_TUNE="false") as daemon:
            typed[lines] = asyncio.run(_measure(daemon, lines, options.places))
    print(f"\n{describe_machine()}, {options.model.name}\n")
    print(_render_table(typed))


async def _measure(daemon: RunningDaemon, lines: int, places: int) -> Timings:
    """Type in every function, at `places` places each."""
    timings = Timings()
    editor = await RawClient.connect(daemon.socket)
    await editor.initialize("benchmark")
    async with httpx2.AsyncClient(base_url=daemon.url, timeout=60) as http:
        for name in NAMES:
            file = File(editor, lengthen(load_function(name), lines), name)
            for place in range(places):
                await _type_suggestion(file, place * STEP, timings, http)
    await editor.shut_down()
    return timings


class File:
    """A file that is open in the editor, with the version of its text."""

    def __init__(self, editor: RawClient, function: Function, name: str) -> None:
        self.function, self._editor = function, editor
        self._uri = f"file:///w/{name}.py"
        self._version = 1
        editor.open_file(function.before + function.after, self._uri)

    def write(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """Send `didChange`."""
        self._version += 1
        self._editor.change_file(
            content_change(start, end, text), version=self._version, uri=self._uri
        )

    async def request_suggestion(self, place: tuple[int, int], kind: int) -> str:
        """The suggestion at `place`; empty if there is none."""
        # The timeout of the client itself is for tests, in which no model has to answer.
        _, answer = self._editor.send_request(INLINE, completion_params(*place, self._uri, kind))
        response = await asyncio.wait_for(answer, TIMEOUT_S)
        return "".join(item["insertText"] for item in response["result"]["items"])


async def _type_suggestion(
    file: File, prefix_length: int, timings: Timings, http: httpx2.AsyncClient
) -> None:
    """Insert the first `prefix_length` characters of the function, and type what is suggested."""
    start = advance((0, 0), file.function.before)
    text = file.function.body[:prefix_length]
    cursor = advance(start, text)
    file.write(start, start, text)
    started = time.perf_counter()
    suggestion = await file.request_suggestion(cursor, INVOKED)
    if len(suggestion) > 1:
        timings.first_ms.append(_ms_since(started))
        before = await _count_requests(http)
        for character in suggestion[:-1]:
            started = time.perf_counter()
            file.write(cursor, cursor, character)
            cursor = advance(cursor, character)
            await file.request_suggestion(cursor, AUTOMATIC)
            timings.keys_ms.append(_ms_since(started))
        timings.asked_again += await _count_requests(http) - before
    file.write(start, cursor, "")


async def _count_requests(http: httpx2.AsyncClient) -> int:
    """The number of generations that the daemon has started."""
    status: dict[str, Any] = (await http.get("/admin/status")).json()
    return int(status["engine"]["requests"])


def advance(place: tuple[int, int], text: str) -> tuple[int, int]:
    """The position of the cursor after `text` is written at `place`."""
    line, character = place
    rows = text.split("\n")
    return (
        (line, character + len(text)) if len(rows) == 1 else (line + len(rows) - 1, len(rows[-1]))
    )


def lengthen(function: Function, lines: int) -> Function:
    """The function in a file of about `lines` lines, with its own file in the middle."""
    own = (function.before + function.after).splitlines(keepends=True)
    copies = max(0, lines - len(own)) // len(own)
    above = "".join(own * (copies // 2))
    below = "".join(own * (copies - copies // 2))
    return Function(function.name, above + function.before, function.body, function.after + below)


def _render_table(typed: dict[int, Timings]) -> str:
    """One row for each size."""
    lines = [
        "| lines of the file | keys | ms from key to answer: p50 / p95 | keys that used the model "
        "| engine, ms to the first answer: p50 / p95 |",
        "|---|---|---|---|---|",
    ]
    for size, timings in typed.items():
        keys, first = render_spread(timings.keys_ms, 2), render_spread(timings.first_ms)
        lines.append(
            f"| {size} | {len(timings.keys_ms)} | {keys} | {timings.asked_again} | {first} |"
        )
    return "\n".join(lines)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    parser.add_argument(
        "--places",
        type=int,
        default=4,
        help=f"places in each of {len(NAMES)} functions (default 4)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
