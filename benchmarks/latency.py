"""Measure the daemon's overhead: the same calls through it, and on llama-cpp-python here.

    python -m benchmarks.latency --model MODEL.gguf

llama-cpp-python runs in this process. Both sides have the same model and the same threads, and take
turns, so that a noisy machine disturbs both alike. Every prompt is new to both sides, except where
the benchmark measures reuse.
"""

import argparse
import asyncio
import time
from string import ascii_lowercase

from benchmarks.measure import Row, describe_machine, render_table
from benchmarks.options import create_parser
from benchmarks.servers.api import Api
from benchmarks.servers.daemon import RunningDaemon, run_daemon
from benchmarks.servers.raw import RawLlama
from benchmarks.servers.timing import TimedGeneration
from benchmarks.workloads.conversation import FUNCTION
from tests.lsp.raw_client import INLINE, RawClient, completion_params

PREFILL_TOKENS = 512
DECODE_TOKENS = 96
SOURCE = "".join(FUNCTION.format(i) for i in range(8)) + "result = "


def main() -> None:
    """Print the table."""
    options = _parse_options()
    raw = RawLlama(options.model, options.threads)
    settings = {"DEBOUNCE_MS": "0", "CACHE_ENTRIES": "0", "MAX_TOKENS": "1"}
    with run_daemon(
        options.model, **{f"COMPLETION__{k}": v for k, v in settings.items()}
    ) as daemon:
        api = Api(daemon.url)
        rows = _measure_speed(raw, api, options.runs)
        rows += asyncio.run(_measure_round_trips(raw, daemon, api, 3 * options.runs))
    print(f"{describe_machine()}, {options.model.name}\n")
    print(render_table("copilotd", "llama-cpp-python", rows))


def _measure_speed(raw: RawLlama, api: Api, runs: int) -> list[Row]:
    """Prefill and decode speed in tokens per second."""
    prefill: tuple[list[float], list[float]] = ([], [])
    decode: tuple[list[float], list[float]] = ([], [])
    for run in range(runs):
        prompt = _build_prompt(raw, run)
        for side in (0, 1) if run % 2 else (1, 0):
            timed = _generate(raw if side else api, prompt)
            prefill[side].append(PREFILL_TOKENS / timed.first_ms * 1000)
            decode[side].append((timed.tokens - 1) / (timed.total_ms - timed.first_ms) * 1000)
    return [
        Row(f"prefill of {PREFILL_TOKENS} tokens", "tokens/s", *prefill, higher_is_better=True),
        Row(f"decode of {DECODE_TOKENS} tokens", "tokens/s", *decode, higher_is_better=True),
    ]


def _generate(side: RawLlama | Api, prompt: list[int]) -> TimedGeneration:
    if isinstance(side, RawLlama):
        return side.generate(prompt, DECODE_TOKENS)
    return side.generate({"prompt": prompt, "max_tokens": DECODE_TOKENS})


async def _measure_round_trips(
    raw: RawLlama, daemon: RunningDaemon, api: Api, runs: int
) -> list[Row]:
    """Time one more token over HTTP and over LSP; only the last word of the prompt is new."""
    editor = await RawClient.connect(daemon.socket)
    await editor.initialize("benchmark")
    http, lsp, direct = [], [], []
    for run in range(runs + 1):
        # Each engine saw another first letter last, so it evaluates the whole word.
        words = [f"{ascii_lowercase[(3 * run + side) % 26]}_{run}" for side in range(3)]
        http.append(
            api.generate({"prompt": raw.build_fim_prompt(SOURCE + words[0], ""), "max_tokens": 1})
        )
        lsp.append(await _time_ghost_text(editor, run, SOURCE + words[1]))
        direct.append(raw.generate(raw.build_fim_prompt(SOURCE + words[2], ""), 1))
    await editor.shut_down()
    # The first request of each side evaluates the whole prompt, so it does not count.
    base = [timed.total_ms for timed in direct[1:]]
    return [
        Row("HTTP: one token, prompt cached", "ms", [t.total_ms for t in http[1:]], base),
        Row("LSP: one token, prompt cached", "ms", lsp[1:], base),
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
    parser.add_argument("--runs", type=int, default=10, help="repetitions (default 10)")
    parser.add_argument(
        "--threads", type=int, default=2, help="threads of llama-cpp-python (default 2)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
