"""Measure a keystroke for users of GitHub Copilot's extension with the daemon as its server.

    python -m benchmarks.copilot --model MODEL.gguf

The benchmark types functions of Python's standard library key by key into their own files of 500
lines. After each key it sends what the extension sends (clients/copilot.py) to `POST
/v1/engines/ENGINE/completions`, reads the streamed answer, pauses, and types the next key. An
editor closes brackets by itself, so they stand behind the cursor until they are typed. Every key
sends a request. The extension would send fewer, because it keeps a suggestion while the user types
along it.

How to read the figures:

- Times count from sending the request. "First token" leaves out empty answers, and "whole answer"
  counts them. The extension hangs up on an answer of several lines when its block ends, and the
  answer ends there.
- "Prompt tokens evaluated" comes from the daemon's /metrics, before and after each key. It leaves
  out the answers at which the benchmark hung up, and so does "tokens written".
- "First line exact" compares the first line of the answer with the rest of the line in the real
  file, with or without the brackets that already stand behind the cursor. On a blank line the
  answer has to bring the indentation, because the extension replaces such a line as a whole.
- "Repeats the code behind the cursor" counts first lines that close a bracket they do not open,
  although that bracket is already closed behind the cursor.

The daemon does not measure the machine here, so every run has the same budget of prompt tokens.
`--baseline` names a checkout of another version, which types each function in turn with this one.
Compare them on an idle machine.
"""

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import httpx2

from benchmarks.clients.copilot import (
    Cursor,
    build_copilot_body,
    close_brackets,
    find_block_end,
    repeats_brackets,
)
from benchmarks.measure import describe_machine, render_figures, render_spread, rotate
from benchmarks.options import add_baseline, create_parser, list_versions
from benchmarks.progress import show_progress
from benchmarks.servers.daemon import Checkout, run_version
from benchmarks.workloads.functions import NAMES, Keystroke, load_function

PATH = "/v1/engines/gpt-41-copilot/completions"
PATIENCE_S = 600


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, and the milliseconds to its first token (None if it is empty) and to its end.

    `is_cut` means that the benchmark hung up.
    """

    text: str
    first_ms: float | None
    total_ms: float
    is_cut: bool


@dataclass(frozen=True, slots=True)
class KeyResult:
    """A key and its answer.

    `wanted` is the rest of the line in the real file, with the indentation that the answer has to
    bring. `behind` holds the brackets behind the cursor. `first_ms` is None if the answer is empty.
    `evaluated` counts tokens of the prompt, `written` counts tokens of the answer. Both are None if
    the benchmark hung up, because the daemon counts the tokens of an answer at its end.
    """

    wanted: str
    behind: str
    text: str
    first_ms: float | None
    total_ms: float
    evaluated: int | None
    written: int | None

    @property
    def first_line(self) -> str:
        """The first line of the answer."""
        return self.text.partition("\n")[0].rstrip()

    @property
    def has_rest(self) -> bool:
        """Whether a part of the line is still missing."""
        return bool(self.wanted.strip())

    @property
    def is_exact(self) -> bool:
        """Whether the first line is right, with or without the brackets behind the cursor."""
        wanted = self.wanted.rstrip()
        return self.first_line in (wanted, wanted.removesuffix(self.behind).rstrip())

    @property
    def repeats(self) -> bool:
        """Whether the first line closes a bracket that is already closed behind the cursor."""
        return bool(self.behind) and repeats_brackets(self.first_line)


def main() -> None:
    """Print the table of all keys so far, after each function."""
    options = _parse_options()
    versions = list_versions(options)
    typed: dict[str, list[KeyResult]] = {side: [] for side in versions}
    with ExitStack() as running:
        clients = {
            side: running.enter_context(_run_version(options.model, version))
            for side, version in versions.items()
        }
        for number, name in enumerate(NAMES[: options.functions]):
            for side in rotate([*clients], number):
                show_progress(f"{name}, {side}")
                pause_s = options.pause_ms / 1000
                typed[side] += type_function(clients[side], name, options.keys, pause_s)
            print(
                f"\n{describe_machine()}, {options.model.name}, {', '.join(NAMES[: number + 1])}\n"
            )
            print(render_table(typed), flush=True)
    if options.json:
        reports = {side: build_report(keys, options.model.name) for side, keys in typed.items()}
        options.json.write_text(json.dumps(reports, indent=1), "utf-8")


@contextmanager
def _run_version(model: Path, version: Checkout | None) -> Iterator[httpx2.Client]:
    # A calibration in a pause would use the processor, and change the budget of later prompts.
    starting = run_version(version, model, MODEL__AUTO_TUNE="false")
    with starting as daemon, _create_client(daemon.url) as http:
        yield http


def type_function(http: httpx2.Client, name: str, keys: int, pause_s: float) -> list[KeyResult]:
    """Type the first keys of a function. Leave out the first one, whose prompt is all new."""
    file = f"{name.partition('.')[0]}.py"
    typed = []
    for key in load_function(name).keystrokes(keys):
        typed.append(_type_key(http, key, file))
        time.sleep(pause_s)
    return typed[1:]


def render_table(typed: Mapping[str, Sequence[KeyResult]]) -> str:
    """One row for each figure and one column for each version."""
    return "\n".join(render_figures(FIGURES, [*typed.items()]))


def build_report(typed: Sequence[KeyResult], model: str) -> dict[str, Any]:
    """The figures and every key."""
    figures = {name: figure(typed) for name, figure in FIGURES.items()}
    keys = [asdict(one) | {"exact": one.is_exact, "repeats": one.repeats} for one in typed]
    return {"machine": describe_machine(), "model": model, "figures": figures, "keys": keys}


def place_cursor(key: Keystroke, file: str) -> Cursor:
    """The cursor after a key, with the brackets that the editor has closed."""
    behind = close_brackets(key.before.rpartition("\n")[2])
    return Cursor(key.before, behind + key.after, file)


def _type_key(http: httpx2.Client, key: Keystroke, file: str) -> KeyResult:
    cursor = place_cursor(key, file)
    evaluated, written = _read_counters(http)
    answer = _read_answer(http, build_copilot_body(cursor), cursor.block_indent)
    evaluated_now, written_now = _read_counters(http)
    blanks = "" if cursor.line.strip() else cursor.line
    return KeyResult(
        wanted=blanks + key.rest,
        behind=cursor.line_rest,
        text=answer.text,
        first_ms=answer.first_ms,
        total_ms=answer.total_ms,
        evaluated=None if answer.is_cut else evaluated_now - evaluated,
        written=None if answer.is_cut else written_now - written,
    )


def _read_answer(http: httpx2.Client, body: dict[str, Any], indent: int | None) -> Answer:
    """Read the answer; if a block of `indent` starts at the cursor, only up to its end.

    Raises: httpx2.HTTPError, or RuntimeError if the stream ends with an error.
    """
    started = time.perf_counter()
    text, first_ms, end = "", None, None
    with http.stream("POST", PATH, json=body) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if not line.startswith("data: {"):
                continue
            event = json.loads(line.removeprefix("data: "))
            if "error" in event:
                raise RuntimeError(event["error"]["message"])
            text += event["choices"][0]["text"]
            if text and first_ms is None:
                first_ms = (time.perf_counter() - started) * 1000
            end = find_block_end(text, indent) if indent is not None else None
            if end is not None:
                break
    return Answer(text[:end], first_ms, (time.perf_counter() - started) * 1000, end is not None)


def _read_counters(http: httpx2.Client) -> tuple[int, int]:
    """Prompt tokens evaluated and tokens written since the daemon started."""
    page = http.get("/metrics").raise_for_status().text
    counters = dict(re.findall(r"^llamacpp:(\w+) (\S+)$", page, re.MULTILINE))
    return int(counters["prompt_tokens_total"]), int(counters["tokens_predicted_total"])


def _create_client(url: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, timeout=PATIENCE_S, trust_env=False)


def _spread(value: Callable[[KeyResult], float | None]) -> Callable[[Sequence[KeyResult]], str]:
    """Median and 95th percentile of the keys that have a value."""

    def figure(typed: Sequence[KeyResult]) -> str:
        values = [each for one in typed if (each := value(one)) is not None]
        return render_spread(values)

    return figure


def _format_mean(values: Sequence[int | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{mean(known):.1f}" if known else "-"


def _make_share(
    is_counted: Callable[[KeyResult], bool], is_in_whole: Callable[[KeyResult], bool]
) -> Callable[[Sequence[KeyResult]], str]:
    def figure(typed: Sequence[KeyResult]) -> str:
        whole = [one for one in typed if is_in_whole(one)]
        part = sum(map(is_counted, whole))
        return f"{part} of {len(whole)} = {100 * part / len(whole):.1f} %" if whole else "-"

    return figure


FIGURES: dict[str, Callable[[Sequence[KeyResult]], str]] = {
    "keys": lambda typed: str(len(typed)),
    "empty answers": _make_share(lambda one: not one.text.strip(), lambda one: True),
    "ms to the first token, p50 / p95": _spread(lambda one: one.first_ms),
    "ms to the whole answer, p50 / p95": _spread(lambda one: one.total_ms),
    "prompt tokens evaluated, p50 / p95": _spread(lambda one: one.evaluated),
    "prompt tokens evaluated, mean": lambda typed: _format_mean([one.evaluated for one in typed]),
    "tokens written, p50 / p95": _spread(lambda one: one.written),
    "first line exact": _make_share(lambda one: one.is_exact, lambda one: one.has_rest),
    "repeats the code behind the cursor": _make_share(
        lambda one: one.repeats, lambda one: bool(one.behind)
    ),
}


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    add_baseline(parser)
    parser.add_argument("--keys", type=int, default=60, help="keys of each function (default 60)")
    parser.add_argument(
        "--functions",
        type=int,
        default=len(NAMES),
        help=f"how many functions, at most {len(NAMES)} (default all)",
    )
    parser.add_argument(
        "--pause-ms",
        type=float,
        default=150,
        help="pause from an answer to the next key (default 150)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="also write the figures and every key to a file"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
