"""What ghost text costs while somebody chats: the same requests beside a chat, and without one.

    python -m benchmarks.completion_beside_chat --model MODEL.gguf

A function of Python's standard library is begun in its file of 500 lines, each time with another
name and an equals sign, so that no suggestion is known before. Beside it, or not, a chat has a
prompt of about 1,500 tokens and an answer of up to 256, which is read as it comes and begun anew
when it is over; the first request comes with the first token of the first answer. Idle and loaded,
and both servers, take turns in one run. llama-server has two slots, and is asked for ghost text as
llama.vim asks. An answer that is not there in `--patience` seconds is given up, and counts as that
long. The chat's tokens per second are those from an answer's first token to its last.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from statistics import median
from string import ascii_lowercase

import httpx2

from benchmarks.clients.keystrokes import Answer, Copilotd, LlamaServer, Typist
from benchmarks.measure import machine, p95
from benchmarks.peers import llama_server
from benchmarks.servers.idle import idle_since, worker_of
from benchmarks.servers.served import served
from benchmarks.servers.sides import sides_of
from benchmarks.workloads.conversation import Conversation, Talk, tokens_per_second
from benchmarks.workloads.functions import Keystroke, function
from copilotd.engine.worker.llama.context_params import count_cores

FILE = "tempfile.mkdtemp"
N_CTX = 8192
# Longer than a pause after which the daemon prepares what may come next.
SETTLES_S = 0.5


@dataclass
class Seen:
    """What came in one state, idle or loaded.

    `late` answers were given up; the prompts of `alone` talks were read before the first request.
    """

    answers: list[Answer] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)
    late: int = 0
    alone: int = 0


@dataclass
class Side:
    """A server that runs; `pid` is the process that computes."""

    typist: Typist
    chat: Conversation
    pid: int
    requests: int
    idle: Seen = field(default_factory=Seen)
    loaded: Seen = field(default_factory=Seen)


def main() -> None:
    """Print the table of what was seen so far, after each round."""
    options = _options()
    # The servers are stopped then as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    keys = _keys()
    with ExitStack() as running:
        sides = {name: running.enter_context(SIDES[name](options)) for name in options.sides}
        for side in sides.values():
            side.typist.answer(next(keys))
        for number in range(options.rounds):
            for name, side in sides.items():
                print(f"\r\x1b[Kround {number + 1}, {name}", end="", file=sys.stderr, flush=True)
                _round(side, keys, options)
            print(f"\n{machine()}, {options.model.name}\n\n{_table(sides)}", flush=True)


def _round(side: Side, keys: Iterator[Keystroke], options: argparse.Namespace) -> None:
    """Ghost text alone, the chat alone, then both."""
    _settle(side)
    _ask(side, side.idle, keys, options)
    _settle(side)
    side.idle.talks.append(side.chat.talk())
    _settle(side)
    with side.chat.going_on() as talks:
        _ask(side, side.loaded, keys, options)
        # What comes after the last request has the machine for itself.
        side.loaded.talks += [replace(talk) for talk in talks]
    side.loaded.alone += 1


def _ask(side: Side, seen: Seen, keys: Iterator[Keystroke], options: argparse.Namespace) -> None:
    for _ in range(side.requests):
        try:
            seen.answers.append(side.typist.answer(next(keys)))
        except httpx2.ReadTimeout:
            given_up_ms = options.patience * 1000
            seen.answers.append(Answer("", None, None, given_up_ms, given_up_ms))
            seen.late += 1
        time.sleep(options.pause_ms / 1000)


def _settle(side: Side) -> None:
    """What a server does of itself after an answer disturbs nobody."""
    time.sleep(SETTLES_S)
    idle_since(side.pid)


def _keys() -> Iterator[Keystroke]:
    """Beginnings of a line in the same place of the same file, each with a name of its own."""
    wanted = function(FILE)
    # The last letter changes slowest: then each name differs from the one before in its first.
    for letters in product(ascii_lowercase, repeat=3):
        name = "".join(reversed(letters))
        yield Keystroke(f"{wanted.before}{name} = ", wanted.after, "")


def _table(sides: dict[str, Side]) -> str:
    """A line for each figure, three columns for each side."""
    heads = [f"{name}: idle | loaded | ratio" for name in sides]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (3 * len(sides) + 1) + "|"]
    for name, number in COUNTS.items():
        cells = [f"{number(side.idle)} | {number(side.loaded)} | -" for side in sides.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for name, figure in FIGURES.items():
        cells = [_cells(figure, side) for side in sides.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(figure: "Figure", side: Side) -> str:
    idle, loaded = figure(side.idle), figure(side.loaded)
    ratio = f"{loaded[0] / idle[0]:.2f}" if idle and loaded and idle[0] else "-"
    return " | ".join((_shown(idle), _shown(loaded), ratio))


def _shown(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" if value < 100 else f"{value:.0f}" for value in values) or "-"


Figure = Callable[[Seen], Sequence[float]]
"""Gives the numbers of a cell, the one for the ratio first; none where nothing can be said."""


def _spread(value: Callable[[Answer], float | None]) -> Figure:
    def figure(seen: Seen) -> Sequence[float]:
        values = [each for answer in seen.answers if (each := value(answer)) is not None]
        return (median(values), p95(values)) if values else ()

    return figure


def _chat_rate(seen: Seen) -> Sequence[float]:
    rate = tokens_per_second(seen.talks)
    return () if rate is None else (rate,)


COUNTS: dict[str, Callable[[Seen], int]] = {
    "requests": lambda seen: len(seen.answers),
    "of them given up": lambda seen: seen.late,
    "chat: prompts begun meanwhile": lambda seen: len(seen.talks) - seen.alone,
    "of them read": lambda seen: sum(talk.tokens > 0 for talk in seen.talks) - seen.alone,
}
FIGURES: dict[str, Figure] = {
    "characters suggested, p50 / p95": _spread(lambda answer: len(answer.text)),
    "ms to the first token, p50 / p95": _spread(lambda answer: answer.first_ms),
    "ms to the whole suggestion, p50 / p95": _spread(lambda answer: answer.total_ms),
    "chat: tokens per second": _chat_rate,
}


@contextmanager
def _copilotd(options: argparse.Namespace) -> Iterator[Side]:
    settings = {"COMPLETION__CACHE_ENTRIES": "0", "MODEL__AUTO_TUNE": "false"}
    with served(options.model, **settings) as daemon:
        worker = worker_of(daemon.pid)
        yield Side(Copilotd(daemon.url), Conversation(daemon.url), worker, options.requests)


@contextmanager
def _llama_server(options: argparse.Namespace) -> Iterator[Side]:
    with llama_server(options.model, count_cores(), "off", N_CTX, parallel=2) as peer:
        typist = LlamaServer(peer.url, options.patience)
        yield Side(typist, Conversation(peer.url), peer.pid, options.peer_requests)


SIDES = {"copilotd": _copilotd, "llama-server": _llama_server}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument(
        "--sides", type=sides_of(SIDES), default=list(SIDES), help=f"of {','.join(SIDES)}"
    )
    parser.add_argument("--rounds", type=int, default=2, help="rounds (default 2)")
    parser.add_argument(
        "--requests", type=int, default=60, help="of a round, idle and loaded each (default 60)"
    )
    parser.add_argument("--peer-requests", type=int, default=3, help="of llama-server (default 3)")
    parser.add_argument("--pause-ms", type=float, default=150, help="after an answer (default 150)")
    parser.add_argument(
        "--patience", type=float, default=30, help="seconds an answer may take (default 30)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
