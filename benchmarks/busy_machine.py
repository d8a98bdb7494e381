"""Compare copilotd with llama-server while other programs keep the machine busy.

    python -m benchmarks.busy_machine --model MODEL.gguf

The benchmark runs with no busy program, with one, and with as many as there are cores. Both servers
take turns. Each continues the same new text of about 130 tokens by 32 tokens, greedy. The time to
the first token is mostly prefill; the rest is decoding. Both servers use as many threads as there
are cores.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

from benchmarks.measure import Row, describe_machine, render_table
from benchmarks.options import create_parser
from benchmarks.peers import run_llama_server
from benchmarks.progress import show_progress
from benchmarks.servers.api import Api
from benchmarks.servers.daemon import run_daemon
from benchmarks.servers.timing import TimedGeneration
from copilotd.engine.worker.llama.context_params import count_cores

N_CTX = 8192
NEW_TOKENS = 32
LINES = 10
# Computes until standard input ends. Standard input is a pipe from this process, and the system
# closes it even if this process is killed.
BUSY = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True: pass
"""
SETTLE_S = 1.0
"""Time for the servers and the system to react to the new load."""


def main() -> None:
    """Print the table."""
    options = _parse_options()
    prompts = (_build_prompt(number) for number in count())
    rows = []
    with ExitStack() as stack:
        daemon = stack.enter_context(run_daemon(options.model, MODEL__AUTO_TUNE="false"))
        peer = stack.enter_context(run_llama_server(options.model, count_cores(), "off", N_CTX))
        apis = Api(daemon.url), Api(peer.url)
        for busy in sorted({0, 1, count_cores()}):
            show_progress(f"{busy} busy")
            with _run_busy_programs(busy):
                rows += _measure_rows(f"beside {busy} busy programs", apis, prompts, options.runs)
    print(f"\n{describe_machine()}, {options.model.name}\n")
    print(render_table("copilotd", "llama-server", rows))


def _measure_rows(name: str, apis: tuple[Api, Api], prompts: Iterator[str], runs: int) -> list[Row]:
    timed: list[list[TimedGeneration]] = [[], []]
    for prompt in (next(prompts) for _ in range(runs)):
        body = {"prompt": prompt, "max_tokens": NEW_TOKENS, "ignore_eos": True}
        for api, side in zip(apis, timed, strict=True):
            side.append(api.generate(body))
    first = [[one.first_ms for one in side] for side in timed]
    later = [[_compute_token_ms(one) for one in side if one.tokens > 1] for side in timed]
    return [
        Row(f"first token {name}", "ms", first[0], first[1]),
        Row(f"a token {name}", "ms", later[0], later[1]),
    ]


def _compute_token_ms(timed: TimedGeneration) -> float:
    return (timed.total_ms - timed.first_ms) / (timed.tokens - 1)


def _build_prompt(number: int) -> str:
    """A text whose beginning no other prompt has."""
    lines = (f"    total_{number}_{i} = first[{i}] + second[{i}]\n" for i in range(LINES))
    return f"def sum_{number}(first, second):\n{''.join(lines)}"


@contextmanager
def _run_busy_programs(programs: int) -> Iterator[None]:
    """Run this many programs that never stop computing."""
    command = [sys.executable, "-c", BUSY]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(programs)]
    time.sleep(SETTLE_S)
    try:
        yield
    finally:
        for program in running:
            with program:
                program.kill()


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    parser.add_argument("--runs", type=int, default=6, help="repetitions (default 6)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
