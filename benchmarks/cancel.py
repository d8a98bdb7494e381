"""Measure how long a server goes on computing after a request is cancelled.

    python -m benchmarks.cancel --model MODEL.gguf

Each case cancels a request in one of two moments: while the server evaluates a new prompt of about
2,000 tokens, or while it writes an answer. Over LSP the benchmark sends `$/cancelRequest`; over
HTTP it hangs up. A server is idle from the start of the first 30 ms in which the process that
computes uses less than a tenth of a core. The system counts CPU time in steps of 10 ms. After that
the benchmark asks for one token.

The daemon does not read documents ahead in this benchmark, because it does that for an open file
and not for a request. Its limits let an editor's request evaluate the whole prompt. After a cancel
over LSP the daemon goes on for a moment on purpose, because an editor asks again at once: 60 ms for
the suggestion, and 60 ms more for the prompt that it reads for the suggestion. The time of a slice
is the time for a new prompt of 128 tokens.
"""

import argparse
import asyncio
import http.client
import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from benchmarks.measure import describe_machine, render_spread
from benchmarks.options import add_choice, create_parser
from benchmarks.peers import run_llama_server
from benchmarks.progress import show_progress
from benchmarks.servers.api import Api
from benchmarks.servers.daemon import run_copilotd, run_daemon
from benchmarks.servers.idle import find_worker, wait_until_idle
from benchmarks.workloads.conversation import FUNCTION, build_chat_body
from copilotd.engine.worker.llama.context_params import count_cores
from tests.lsp.raw_client import INLINE, RawClient, completion_params

N_CTX = 8192
SLICE_TOKENS = 128
FUNCTIONS = 60
INVOKED = 1
MID_PROMPT_S = 1.5
"""The prompt takes ten seconds. Each run waits a little longer, by a part of a slice."""
MID_ANSWER = 8
"""The number of pieces that the benchmark reads before it hangs up."""

Cancel = Callable[["Side", int], float]
"""Starts work and cancels it; returns the milliseconds from the cancel until the server is idle."""


@dataclass
class Side:
    """A running server. `pid` is the process that computes; `socket` is empty without LSP."""

    url: str
    pid: int
    socket: str = ""
    idle_ms: dict[str, list[float]] = field(default_factory=dict)
    then_ms: dict[str, list[float]] = field(default_factory=dict)
    slice_ms: list[float] = field(default_factory=list)


def main() -> None:
    """Print the table of all measurements so far, after each run."""
    options = _parse_options()
    # SIGTERM must also run the code that stops the servers.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as running:
        sides = {name: running.enter_context(SIDES[name](options.model)) for name in options.sides}
        numbers = count()
        for run in range(options.runs):
            for name, side in sides.items():
                if run < (options.runs if side.socket else options.peer_runs):
                    show_progress(f"run {run + 1}, {name}")
                    _run_cases(side, numbers)
            print(
                f"\n{describe_machine()}, {options.model.name}\n\n{_render_table(sides)}",
                flush=True,
            )


def _run_cases(side: Side, numbers: Iterator[int]) -> None:
    """Run every case once, and time a slice."""
    side.slice_ms.append(_time_slice(side, next(numbers)))
    for name, cancel in CASES.items():
        if cancel is _cancel_lsp_mid_prompt and not side.socket:
            continue
        wait_until_idle(side.pid)
        number = next(numbers)
        side.idle_ms.setdefault(name, []).append(cancel(side, number))
        side.then_ms.setdefault(name, []).append(_time_one_token(side, number))


def _time_slice(side: Side, number: int) -> float:
    """Milliseconds for a new prompt that is as long as a slice."""
    # Ids of ordinary words. The text does not have to make sense.
    prompt = [1000 + 150 * number + i for i in range(SLICE_TOKENS)]
    return Api(side.url).generate({"prompt": prompt, "max_tokens": 1}).total_ms


def _time_one_token(side: Side, number: int) -> float:
    """Milliseconds for a short request whose beginning is new to the server."""
    prompt = f"{number} words = "
    return Api(side.url).generate({"prompt": prompt, "max_tokens": 1}).total_ms


# --- the cases -----------------------------------------------------------------------------------


def _cancel_lsp_mid_prompt(side: Side, number: int) -> float:
    return asyncio.run(_cancel_request(side, number))


async def _cancel_request(side: Side, number: int) -> float:
    editor = await RawClient.connect(side.socket)
    await editor.initialize("benchmark")
    text, uri = _build_code(number) + "result = ", f"file:///w/{number}.py"
    editor.open_file(text, uri)
    line = text.count("\n")
    id, answer = editor.send_request(
        INLINE, completion_params(line, len("result = "), uri, kind=INVOKED)
    )
    await asyncio.sleep(_choose_delay_s(number))
    if answer.done():
        raise SystemExit("the request over LSP was answered before it could be cancelled")
    editor.notify("$/cancelRequest", {"id": id})
    cancelled = time.perf_counter()
    # To disconnect would also free the worker, so the editor stays connected.
    idle_ms = await asyncio.to_thread(_measure_idle_ms, side, cancelled)
    await editor.shut_down()
    return idle_ms


def _cancel_http_mid_prompt(side: Side, number: int) -> float:
    with _post(side.url, "/v1/completions", _build_body(number)):
        time.sleep(_choose_delay_s(number))
        cancelled = time.perf_counter()
    return _measure_idle_ms(side, cancelled)


def _cancel_http_mid_answer(side: Side, number: int) -> float:
    return _hang_up_after_pieces(side, "/v1/completions", _build_body(number))


def _cancel_chat_mid_answer(side: Side, number: int) -> float:
    return _hang_up_after_pieces(side, "/v1/chat/completions", build_chat_body(number))


CASES: dict[str, Cancel] = {
    "LSP cancel in mid prompt": _cancel_lsp_mid_prompt,
    "HTTP hang-up in mid prompt": _cancel_http_mid_prompt,
    "HTTP hang-up in mid answer": _cancel_http_mid_answer,
    "chat hung up in mid answer": _cancel_chat_mid_answer,
}


def _hang_up_after_pieces(side: Side, path: str, body: dict[str, Any]) -> float:
    with _post(side.url, path, body) as connection:
        response = connection.getresponse()
        events = (line for line in response if line.startswith(b"data: {"))
        for _ in zip(range(MID_ANSWER), events, strict=False):
            pass
        response.close()
        cancelled = time.perf_counter()
    return _measure_idle_ms(side, cancelled)


def _measure_idle_ms(side: Side, cancelled: float) -> float:
    # If the idle window began before the cancel, nothing was computed after it.
    return max(0.0, (wait_until_idle(side.pid) - cancelled) * 1000)


@contextmanager
def _post(url: str, path: str, body: dict[str, Any]) -> Iterator[http.client.HTTPConnection]:
    """Send a request, and hang up at the end of the block."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    try:
        yield connection
    finally:
        connection.close()


def _build_body(number: int) -> dict[str, Any]:
    return {"prompt": _build_code(number), "max_tokens": 400, "temperature": 0, "stream": True}


def _build_code(number: int) -> str:
    return "".join(FUNCTION.format(f"{number}_{i}") for i in range(FUNCTIONS))


def _choose_delay_s(number: int) -> float:
    return MID_PROMPT_S + number % 10 * 0.07


# --- the table -----------------------------------------------------------------------------------


def _render_table(sides: dict[str, Side]) -> str:
    """One row for each case, three columns for each side."""
    heads = [f"{name}: ms to idle, p50 / p95 | then one token, ms | runs" for name in sides]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (3 * len(sides) + 1) + "|"]
    for case in CASES:
        cells = [
            _render_cells(side.idle_ms.get(case), side.then_ms.get(case)) for side in sides.values()
        ]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    slices = [_render_cells(side.slice_ms, None) for side in sides.values()]
    lines.append(f"| for scale: {SLICE_TOKENS} new tokens | {' | '.join(slices)} |")
    return "\n".join(lines)


def _render_cells(values: Sequence[float] | None, then: Sequence[float] | None) -> str:
    if not values:
        return "- | - | -"
    after = f"{median(then):.0f}" if then else "-"
    return f"{render_spread(values)} | {after} | {len(values)}"


# --- the sides -----------------------------------------------------------------------------------


@contextmanager
def _run_copilotd(model: Path) -> Iterator[Side]:
    settings = {
        "COMPLETION__ANTICIPATE": "false",
        "COMPLETION__CACHE_ENTRIES": "0",
        "COMPLETION__PREFIX_TOKENS": "2048",
        # This limit and the measured speed decide how much a first answer may evaluate.
        "COMPLETION__LIMIT_MS": "60000",
        "MODEL__AUTO_TUNE": "false",
    }
    with run_daemon(model, **settings) as daemon:
        run_copilotd(daemon.env, "tune")
        yield Side(daemon.url, find_worker(daemon.pid), daemon.socket)


@contextmanager
def _run_llama_server(model: Path) -> Iterator[Side]:
    with run_llama_server(model, count_cores(), "off", N_CTX) as peer:
        yield Side(peer.url, peer.pid)


SIDES = {"copilotd": _run_copilotd, "llama-server": _run_llama_server}


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    add_choice(parser, "--sides", SIDES)
    parser.add_argument("--runs", type=int, default=8, help="runs of each case (default 8)")
    parser.add_argument("--peer-runs", type=int, default=3, help="runs of llama-server (default 3)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
