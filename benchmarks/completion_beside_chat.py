"""Measure ghost text while somebody chats: the same requests with and without a chat.

    python -m benchmarks.completion_beside_chat --model MODEL.gguf

Each request completes the beginning of a function from Python's standard library, in its file of
500 lines. Each time the cursor stands behind another new name and an equals sign, so no suggestion
is cached. The chat has a prompt of about 1,500 tokens and an answer of up to 256 tokens. The
benchmark reads the answer as it arrives, and starts the next chat when it ends. The first ghost
text request comes with the first token of the first answer.

Idle and loaded rounds of both servers take turns in one run. llama-server has two slots and
receives the requests that llama.vim sends. The benchmark gives up an answer after `--patience`
seconds and counts it as that long. The chat's tokens per second count from an answer's first token
to its last.
"""

import argparse
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from statistics import median
from string import ascii_lowercase

import httpx2

from benchmarks.clients.keystrokes import Copilotd, KeystrokeClient, LlamaServer, Suggestion
from benchmarks.measure import describe_machine, p95
from benchmarks.options import add_choice, create_parser
from benchmarks.peers import run_llama_server
from benchmarks.progress import show_progress
from benchmarks.servers.daemon import run_daemon
from benchmarks.servers.idle import find_worker, wait_until_idle
from benchmarks.workloads.conversation import ChatAnswer, Conversation, compute_tokens_per_second
from benchmarks.workloads.functions import Keystroke, load_function
from copilotd.engine.worker.llama.context_params import count_cores

FILE = "tempfile.mkdtemp"
N_CTX = 8192
# Longer than the pause after which the daemon starts to prepare the next request.
SETTLE_S = 0.5


@dataclass
class Measurements:
    """The measurements in one state, idle or loaded.

    `late` counts the answers that were given up. `alone` counts the chat prompts that were
    evaluated before the first request.
    """

    answers: list[Suggestion] = field(default_factory=list)
    chat_answers: list[ChatAnswer] = field(default_factory=list)
    late: int = 0
    alone: int = 0


@dataclass
class Side:
    """A running server; `pid` is the process that computes."""

    client: KeystrokeClient
    chat: Conversation
    pid: int
    requests: int
    idle: Measurements = field(default_factory=Measurements)
    loaded: Measurements = field(default_factory=Measurements)


def main() -> None:
    """Print the table of all measurements so far, after each round."""
    options = _parse_options()
    # SIGTERM must also run the code that stops the servers.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    keys = _generate_keys()
    with ExitStack() as running:
        sides = {name: running.enter_context(SIDES[name](options)) for name in options.sides}
        for side in sides.values():
            side.client.suggest(next(keys))
        for number in range(options.rounds):
            for name, side in sides.items():
                show_progress(f"round {number + 1}, {name}")
                _run_round(side, keys, options)
            print(
                f"\n{describe_machine()}, {options.model.name}\n\n{_render_table(sides)}",
                flush=True,
            )


def _run_round(side: Side, keys: Iterator[Keystroke], options: argparse.Namespace) -> None:
    """Measure ghost text alone, the chat alone, and then both."""
    _settle(side)
    _request_ghost_text(side, side.idle, keys, options)
    _settle(side)
    side.idle.chat_answers.append(side.chat.ask())
    _settle(side)
    with side.chat.keep_busy() as chat_answers:
        _request_ghost_text(side, side.loaded, keys, options)
        # Copies, because after the last request the chat has the machine for itself.
        side.loaded.chat_answers += [replace(answer) for answer in chat_answers]
    side.loaded.alone += 1


def _request_ghost_text(
    side: Side, measured: Measurements, keys: Iterator[Keystroke], options: argparse.Namespace
) -> None:
    for _ in range(side.requests):
        try:
            measured.answers.append(side.client.suggest(next(keys)))
        except httpx2.ReadTimeout:
            given_up_ms = options.patience * 1000
            measured.answers.append(Suggestion("", None, None, given_up_ms, given_up_ms))
            measured.late += 1
        time.sleep(options.pause_ms / 1000)


def _settle(side: Side) -> None:
    """Wait until the server has finished what it does by itself after an answer."""
    time.sleep(SETTLE_S)
    wait_until_idle(side.pid)


def _generate_keys() -> Iterator[Keystroke]:
    """Beginnings of a line, each with a new name, at one place of one file."""
    function = load_function(FILE)
    # The first letter of the name changes fastest, so each name differs from the one before there.
    for letters in product(ascii_lowercase, repeat=3):
        name = "".join(reversed(letters))
        yield Keystroke(f"{function.before}{name} = ", function.after, "")


def _render_table(sides: dict[str, Side]) -> str:
    """One row for each figure, three columns for each side."""
    heads = [f"{name}: idle | loaded | ratio" for name in sides]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (3 * len(sides) + 1) + "|"]
    for name, number in COUNTS.items():
        cells = [f"{number(side.idle)} | {number(side.loaded)} | -" for side in sides.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for name, figure in FIGURES.items():
        cells = [_render_cells(figure, side) for side in sides.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _render_cells(figure: "Figure", side: Side) -> str:
    idle, loaded = figure(side.idle), figure(side.loaded)
    ratio = f"{loaded[0] / idle[0]:.2f}" if idle and loaded and idle[0] else "-"
    return " | ".join((_format_values(idle), _format_values(loaded), ratio))


def _format_values(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" if value < 100 else f"{value:.0f}" for value in values) or "-"


Figure = Callable[[Measurements], Sequence[float]]
"""Returns the numbers of a cell, first the one for the ratio; empty if there is no value."""


def _summarize(value: Callable[[Suggestion], float | None]) -> Figure:
    def figure(measured: Measurements) -> Sequence[float]:
        values = [each for answer in measured.answers if (each := value(answer)) is not None]
        return (median(values), p95(values)) if values else ()

    return figure


def _compute_chat_rate(measured: Measurements) -> Sequence[float]:
    rate = compute_tokens_per_second(measured.chat_answers)
    return () if rate is None else (rate,)


COUNTS: dict[str, Callable[[Measurements], int]] = {
    "requests": lambda measured: len(measured.answers),
    "requests given up": lambda measured: measured.late,
    "chat: prompts started meanwhile": lambda measured: len(measured.chat_answers) - measured.alone,
    "chat: prompts evaluated meanwhile": lambda measured: (
        sum(answer.tokens > 0 for answer in measured.chat_answers) - measured.alone
    ),
}
FIGURES: dict[str, Figure] = {
    "characters suggested, p50 / p95": _summarize(lambda answer: len(answer.text)),
    "ms to the first token, p50 / p95": _summarize(lambda answer: answer.first_ms),
    "ms to the whole suggestion, p50 / p95": _summarize(lambda answer: answer.total_ms),
    "chat: tokens per second": _compute_chat_rate,
}


@contextmanager
def _run_copilotd(options: argparse.Namespace) -> Iterator[Side]:
    settings = {"COMPLETION__CACHE_ENTRIES": "0", "MODEL__AUTO_TUNE": "false"}
    with run_daemon(options.model, **settings) as daemon:
        worker = find_worker(daemon.pid)
        yield Side(Copilotd(daemon.url), Conversation(daemon.url), worker, options.requests)


@contextmanager
def _run_llama_server(options: argparse.Namespace) -> Iterator[Side]:
    with run_llama_server(options.model, count_cores(), "off", N_CTX, parallel=2) as peer:
        client = LlamaServer(peer.url, options.patience)
        yield Side(client, Conversation(peer.url), peer.pid, options.peer_requests)


SIDES = {"copilotd": _run_copilotd, "llama-server": _run_llama_server}


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    add_choice(parser, "--sides", SIDES)
    parser.add_argument("--rounds", type=int, default=2, help="rounds (default 2)")
    parser.add_argument(
        "--requests",
        type=int,
        default=60,
        help="requests in each state of a round, idle and loaded (default 60)",
    )
    parser.add_argument(
        "--peer-requests", type=int, default=3, help="requests to llama-server (default 3)"
    )
    parser.add_argument(
        "--pause-ms", type=float, default=150, help="pause after an answer (default 150)"
    )
    parser.add_argument(
        "--patience", type=float, default=30, help="seconds an answer may take (default 30)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
