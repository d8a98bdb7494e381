"""Measure the daemon's overhead: the same calls through it, and on llama-cpp-python here.

    python -m benchmarks.latency --model MODEL.gguf

llama-cpp-python runs in this process. Both sides have the same model and the same threads, and take
turns, so that a noisy machine disturbs both alike. Every prompt is new to both sides, except where
the benchmark measures reuse.
"""

import argparse
import asyncio
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from string import ascii_lowercase

from benchmarks.measure import Row, describe_machine, render_table, rotate
from benchmarks.options import add_baseline, create_parser, list_versions
from benchmarks.servers.api import Api
from benchmarks.servers.daemon import RunningDaemon, run_version
from benchmarks.servers.raw import RawLlama
from benchmarks.servers.timing import TimedGeneration
from benchmarks.workloads.conversation import FUNCTION
from tests.lsp.raw_client import INLINE, RawClient, completion_params

RAW = "llama-cpp-python"
PREFILL_TOKENS = 512
DECODE_TOKENS = 96
SOURCE = "".join(FUNCTION.format(i) for i in range(8)) + "result = "


def main() -> None:
    """Print a table for each side that the daemon is compared with."""
    options = _parse_options()
    raw = RawLlama(options.model, options.threads)
    settings = {"DEBOUNCE_MS": "0", "CACHE_ENTRIES": "0", "MAX_TOKENS": "1"}
    settings = {f"COMPLETION__{key}": value for key, value in settings.items()}
    with ExitStack() as running:
        daemons = {
            side: running.enter_context(run_version(version, options.model, **settings))
            for side, version in list_versions(options).items()
        }
        apis = {side: Api(daemon.url) for side, daemon in daemons.items()}
        figures = _measure_speed(raw, apis, options.runs)
        figures += asyncio.run(_measure_round_trips(raw, daemons, apis, 3 * options.runs))
    print(f"{describe_machine()}, {options.model.name}")
    for other in [*[*apis][1:], RAW]:
        rows = [figure.compare("copilotd", other) for figure in figures]
        print(f"\n{render_table('copilotd', other, rows)}")


@dataclass(frozen=True, slots=True)
class Figure:
    """Measurements of the same work on every side."""

    name: str
    unit: str
    by_side: Mapping[str, list[float]]
    higher_is_better: bool = False

    def compare(self, ours: str, theirs: str) -> Row:
        """The row of a table that compares two sides."""
        sides = self.by_side[ours], self.by_side[theirs]
        return Row(self.name, self.unit, *sides, self.higher_is_better)


def _measure_speed(raw: RawLlama, apis: Mapping[str, Api], runs: int) -> list[Figure]:
    """Prefill and decode speed in tokens per second."""
    sides: dict[str, RawLlama | Api] = {RAW: raw, **apis}
    prefill: dict[str, list[float]] = {side: [] for side in sides}
    decode: dict[str, list[float]] = {side: [] for side in sides}
    for run in range(runs):
        prompt = _build_prompt(raw, run)
        for side in rotate([*sides], run):
            timed = _generate(sides[side], prompt)
            prefill[side].append(PREFILL_TOKENS / timed.first_ms * 1000)
            decode[side].append((timed.tokens - 1) / (timed.total_ms - timed.first_ms) * 1000)
    return [
        Figure(f"prefill of {PREFILL_TOKENS} tokens", "tokens/s", prefill, higher_is_better=True),
        Figure(f"decode of {DECODE_TOKENS} tokens", "tokens/s", decode, higher_is_better=True),
    ]


def _generate(side: RawLlama | Api, prompt: list[int]) -> TimedGeneration:
    if isinstance(side, RawLlama):
        return side.generate(prompt, DECODE_TOKENS)
    return side.generate({"prompt": prompt, "max_tokens": DECODE_TOKENS})


async def _measure_round_trips(
    raw: RawLlama, daemons: Mapping[str, RunningDaemon], apis: Mapping[str, Api], runs: int
) -> list[Figure]:
    """Time one more token over HTTP and over LSP; only the last word of the prompt is new."""
    editors = {side: await RawClient.connect(daemon.socket) for side, daemon in daemons.items()}
    for editor in editors.values():
        await editor.initialize("benchmark")
    http: dict[str, list[float]] = {side: [] for side in [*apis, RAW]}
    lsp: dict[str, list[float]] = {side: [] for side in [*apis, RAW]}
    for run in range(runs + 1):
        # Each engine saw another first letter last, so it evaluates the whole word.
        words = [f"{ascii_lowercase[(3 * run + number) % 26]}_{run}" for number in range(3)]
        for side in rotate([*apis], run):
            prompt = raw.build_fim_prompt(SOURCE + words[0], "")
            timed = apis[side].generate({"prompt": prompt, "max_tokens": 1})
            http[side].append(timed.total_ms)
            lsp[side].append(await _time_ghost_text(editors[side], run, SOURCE + words[1]))
        direct = raw.generate(raw.build_fim_prompt(SOURCE + words[2], ""), 1).total_ms
        http[RAW].append(direct)
        lsp[RAW].append(direct)
    for editor in editors.values():
        await editor.shut_down()
    # The first request of each side evaluates the whole prompt, so it does not count.
    return [
        Figure(f"{name}: one token, prompt cached", "ms", {s: ms[1:] for s, ms in by_side.items()})
        for name, by_side in {"HTTP": http, "LSP": lsp}.items()
    ]


async def _time_ghost_text(editor: RawClient, run: int, text: str) -> float:
    """Milliseconds for an inline completion of one token at the end of `text`."""
    uri = f"file:///w/{run}.py"
    editor.open_file(text, uri)
    lines = text.split("\n")
    started = time.perf_counter()
    await editor.request(INLINE, completion_params(len(lines) - 1, len(lines[-1]), uri))
    return (time.perf_counter() - started) * 1000


def _build_prompt(raw: RawLlama, run: int) -> list[int]:
    text = "".join(FUNCTION.format(f"{run}_{i}") for i in range(60))
    return raw.tokenize(text)[:PREFILL_TOKENS]


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    add_baseline(parser)
    parser.add_argument("--runs", type=int, default=10, help="repetitions (default 10)")
    parser.add_argument(
        "--threads", type=int, default=2, help="threads of llama-cpp-python (default 2)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
