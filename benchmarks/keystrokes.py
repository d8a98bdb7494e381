"""Measure what a keystroke costs: type functions key by key into a file of 500 lines.

    python -m benchmarks.keystrokes --model MODEL.gguf

After each key the benchmark requests a suggestion. The next key comes a pause after the answer. The
functions are from Python's standard library (functions.py). Each side types each function in turn
and starts at a cursor where nothing of the file is evaluated. All sides get 256 lines before the
cursor and 64 lines after it, as llama.vim sends them, except the daemon, which sends as many tokens
as this machine evaluates in time: see the row of prompt tokens. copilotd-nocache keeps no
suggestions, but the tokens that its model wrote stay in the KV cache, so text typed along them is
not decoded again.
"""

import argparse
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.clients.keystrokes import (
    Copilotd,
    KeystrokeClient,
    LlamaCppPython,
    LlamaCppServer,
    LlamaServer,
    Suggestion,
)
from benchmarks.clients.llama_cpp import FimPromptBuilder
from benchmarks.measure import describe_machine, render_figures, render_spread, rotate
from benchmarks.options import (
    BASELINE,
    add_baseline,
    add_choice,
    create_parser,
    read_baseline,
)
from benchmarks.peers import run_llama_cpp_server, run_llama_server
from benchmarks.progress import show_progress
from benchmarks.servers.daemon import Checkout, run_version
from benchmarks.servers.raw import RawLlama
from benchmarks.workloads.functions import NAMES, Function, Keystroke, load_function
from copilotd.engine.worker.llama.context_params import count_cores

N_CTX = 8192
Starter = Callable[[Path], AbstractContextManager[KeystrokeClient]]


@dataclass(frozen=True, slots=True)
class KeyResult:
    """A key and its suggestion."""

    key: Keystroke
    answer: Suggestion

    @property
    def is_exact(self) -> bool:
        """Whether the first line suggested is the rest of the line."""
        lines = (line.strip() for line in self.answer.text.split("\n"))
        return next((line for line in lines if line), "") == self.key.rest.strip()


def main() -> None:
    """Print the table of all keys so far, after each function."""
    options = _parse_options()
    # SIGTERM must also run the code that stops the servers.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    starters = _choose_sides(options)
    typed: dict[str, list[KeyResult]] = {side: [] for side in starters}
    with ExitStack() as running:
        sides = {
            side: running.enter_context(start(options.model)) for side, start in starters.items()
        }
        for number, name in enumerate(NAMES[: options.functions]):
            for side in rotate([*sides], number):
                show_progress(f"{name}, {side}")
                typed[side] += _type_function(sides[side], load_function(name), options)
            print(
                f"\n{describe_machine()}, {options.model.name}, {', '.join(NAMES[: number + 1])}\n"
            )
            print(_render_table(typed), flush=True)


def _choose_sides(options: argparse.Namespace) -> dict[str, Starter]:
    """The sides that the options name, and the baseline."""
    chosen: dict[str, Starter] = {side: SIDES[side] for side in options.sides}
    if baseline := read_baseline(options):
        chosen[BASELINE] = partial(_run_copilotd, checkout=baseline)
    return chosen


def _type_function(
    side: KeystrokeClient, function: Function, options: argparse.Namespace
) -> list[KeyResult]:
    """Type the first keys of a function. Leave out the first one, whose prompt is all new."""
    typed = []
    for key in function.keystrokes(options.keys):
        typed.append(KeyResult(key, side.suggest(key)))
        time.sleep(options.pause_ms / 1000)
    return typed[1:]


def _render_table(typed: dict[str, list[KeyResult]]) -> str:
    """Render one row for each figure and one column for each side."""
    lines = render_figures(FIGURES, [*typed.items()])
    ours = _compute_first_p50(next(iter(typed.values())))
    ratios = (f"{ours / _compute_first_p50(keys):.3f}" for keys in typed.values())
    name = "first column's p50 to the first token, relative to this column's"
    lines.append(f"| {name} | {' | '.join(ratios)} |")
    return "\n".join(lines)


def _compute_first_p50(keys: Sequence[KeyResult]) -> float:
    return median([key.answer.first_ms for key in keys if key.answer.first_ms is not None] or [0.0])


def _spread(value: Callable[[Suggestion], float | None]) -> Callable[[Sequence[KeyResult]], str]:
    """Median and 95th percentile of the answers that have a value."""

    def figure(keys: Sequence[KeyResult]) -> str:
        values = [each for key in keys if (each := value(key.answer)) is not None]
        return render_spread(values)

    return figure


def _format_exact(keys: Sequence[KeyResult]) -> str:
    unfinished = [key for key in keys if key.key.rest.strip()]
    right = sum(key.is_exact for key in unfinished)
    return f"{right} of {len(unfinished)} = {100 * right / len(unfinished):.1f} %"


FIGURES: dict[str, Callable[[Sequence[KeyResult]], str]] = {
    "keys": lambda keys: str(len(keys)),
    "answered without the model": lambda keys: str(sum(key.answer.is_cached for key in keys)),
    "answered with text": lambda keys: str(sum(bool(key.answer.text.strip()) for key in keys)),
    "tokens in the prompt, p50 / p95": _spread(lambda answer: answer.prompt),
    "tokens evaluated, p50 / p95": _spread(lambda answer: answer.evaluated),
    "ms to the first token, p50 / p95": _spread(lambda answer: answer.first_ms),
    "ms to the whole suggestion, p50 / p95": _spread(lambda answer: answer.total_ms),
    "first line exact": _format_exact,
}


@contextmanager
def _run_copilotd(
    model: Path, checkout: Checkout | None = None, **settings: str
) -> Iterator[KeystrokeClient]:
    with run_version(checkout, model, **settings) as daemon:
        yield Copilotd(daemon.url)


@contextmanager
def _run_copilotd_without_cache(model: Path) -> Iterator[KeystrokeClient]:
    with _run_copilotd(model, COMPLETION__CACHE_ENTRIES="0") as client:
        yield client


@contextmanager
def _run_llama_server(model: Path) -> Iterator[KeystrokeClient]:
    with run_llama_server(model, count_cores(), "off", N_CTX) as peer:
        yield LlamaServer(peer.url)


@contextmanager
def _run_llama_server_with_flash(model: Path) -> Iterator[KeystrokeClient]:
    with run_llama_server(model, count_cores(), "on", N_CTX) as peer:
        yield LlamaServer(peer.url)


@contextmanager
def _run_llama_cpp_server(model: Path) -> Iterator[KeystrokeClient]:
    with run_llama_cpp_server(model, count_cores(), N_CTX) as peer:
        yield LlamaCppServer(peer.url, FimPromptBuilder(model))


@contextmanager
def _run_llama_cpp_python(model: Path) -> Iterator[KeystrokeClient]:
    yield LlamaCppPython(RawLlama(model, count_cores(), N_CTX))


SIDES: dict[str, Starter] = {
    "copilotd-nocache": _run_copilotd_without_cache,
    "copilotd": _run_copilotd,
    "llama-server": _run_llama_server,
    "llama-server-fa": _run_llama_server_with_flash,
    "llama-cpp-server": _run_llama_cpp_server,
    "llama-cpp-python": _run_llama_cpp_python,
}


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    add_choice(parser, "--sides", SIDES, note="; -fa: with flash attention")
    add_baseline(parser)
    parser.add_argument("--keys", type=int, default=20, help="keys of each function (default 20)")
    parser.add_argument(
        "--functions", type=int, default=3, help=f"functions, at most {len(NAMES)} (default 3)"
    )
    parser.add_argument(
        "--pause-ms",
        type=float,
        default=150,
        help="pause from an answer to the next key (default 150)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
