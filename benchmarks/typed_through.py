"""What a key costs that is typed along a suggestion: from sending the change to the answer.

    python -m benchmarks.typed_through --model MODEL.gguf

Over the daemon's LSP socket, in a file of 500 lines and in one of 5,000: ghost text is asked for
once in the middle of a function of Python's standard library, and typed character by character,
with a request after each, up to the last but one: that much can be answered without the model, and
keys for which it was asked all the same are counted. The next key comes as soon as the answer is
there. The engine's column is the first request, which the model does answer.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx2

from benchmarks.measure import describe_machine, p95
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
    """What was typed in files of one size."""

    first_ms: list[float] = field(default_factory=list)
    keys_ms: list[float] = field(default_factory=list)
    asked_again: int = 0


def main() -> None:
    """Print the table."""
    options = _parse_options()
    typed = {}
    for lines in LINES:
        print(f"\r\x1b[K{lines} lines", end="", file=sys.stderr, flush=True)
        # A daemon that knows the function from the other file would answer sooner.
        with run_daemon(options.model, MODEL__AUTO_TUNE="false") as daemon:
            typed[lines] = asyncio.run(_measure(daemon, lines, options.places))
    print(f"\n{describe_machine()}, {options.model.name}\n")
    print(_render_table(typed))


async def _measure(daemon: RunningDaemon, lines: int, places: int) -> Timings:
    """Every function, at so many places each."""
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
    """A file that is open in the editor, and how often it was changed."""

    def __init__(self, editor: RawClient, function: Function, name: str) -> None:
        self.function, self._editor = function, editor
        self._uri = f"file:///w/{name}.py"
        self._version = 1
        editor.open_file(function.before + function.after, self._uri)

    def write(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """`didChange`."""
        self._version += 1
        self._editor.change_file(
            content_change(start, end, text), version=self._version, uri=self._uri
        )

    async def request_suggestion(self, place: tuple[int, int], kind: int) -> str:
        """What is suggestion advance `place`; empty if nothing is."""
        # The client's own patience is that of a test, in which no model has to answer.
        _, answer = self._editor.send_request(INLINE, completion_params(*place, self._uri, kind))
        response = await asyncio.wait_for(answer, TIMEOUT_S)
        return "".join(item["insertText"] for item in response["result"]["items"])


async def _type_suggestion(
    file: File, prefix_length: int, timings: Timings, http: httpx2.AsyncClient
) -> None:
    """Have the first `prefix_length` characters of the function there, and type what is suggestion."""
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
    """Generations that the daemon began so far."""
    status: dict[str, Any] = (await http.get("/admin/status")).json()
    return int(status["engine"]["requests"])


def advance(place: tuple[int, int], text: str) -> tuple[int, int]:
    """Where the cursor is after `text` was written at `place`."""
    line, character = place
    rows = text.split("\n")
    return (
        (line, character + len(text)) if len(rows) == 1 else (line + len(rows) - 1, len(rows[-1]))
    )


def lengthen(function: Function, lines: int) -> Function:
    """The function in a file of about so many lines, of which its own is the middle."""
    own = (function.before + function.after).splitlines(keepends=True)
    copies = max(0, lines - len(own)) // len(own)
    above = "".join(own * (copies // 2))
    below = "".join(own * (copies - copies // 2))
    return Function(function.name, above + function.before, function.body, function.after + below)


def _render_table(typed: dict[int, Timings]) -> str:
    """A line for each size."""
    lines = [
        "| lines of the file | keys | ms from key to answer: p50 / p95 | keys that took the model "
        "| engine, ms to the first answer: p50 / p95 |",
        "|---|---|---|---|---|",
    ]
    for size, timings in typed.items():
        keys, first = _spread(timings.keys_ms, 2), _spread(timings.first_ms, 0)
        lines.append(
            f"| {size} | {len(timings.keys_ms)} | {keys} | {timings.asked_again} | {first} |"
        )
    return "\n".join(lines)


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{median(values):.{digits}f} / {p95(values):.{digits}f}" if values else "-"


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument(
        "--places", type=int, default=4, help=f"in each of {len(NAMES)} functions (default 4)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
