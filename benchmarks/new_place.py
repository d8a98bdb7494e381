"""Open a file and ask for ghost text at a place that the daemon has not seen.

    python -m benchmarks.new_place --model MODEL.gguf --holes FOLDER --out ANSWERS.jsonl

The holes are lines that were inserted into real files (workloads/holes.py). A file of 100 to 1,500
lines is opened without the text of all its holes. Then nothing happens for a part of the time that
reading the whole file takes: 0, 0.5, 1 or 1.5 times the file's tokens, divided by the measured
prefill rate. After that the editor asks at one hole after the other. Each file is opened after one
of these times in turn; with `--cross`, after each of them, always by a new server.

- copilotd has measured the machine. `--baseline` is another version of it. It is asked at
  once, unless `--baseline-idles` has other times, because early versions do not read ahead.
- "whole" is copilotd with all the time that it needs for its whole prompt.
- llama-server gets the requests of llama.vim. It takes part with `--sides` if it is built.

"whole" and llama-server are asked at once, because they do nothing while they are idle. If the
daemon shows a part of a completion, the benchmark asks again until the completion is written.
Ctrl-C ends the run early. The same command continues it, and asks a file again that was asked in
part.
"""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

from benchmarks.json_lines import JsonLines, Row
from benchmarks.measure import describe_machine, rotate
from benchmarks.new_places.clients import (
    Answer,
    HoleClient,
    run_daemon_client,
    run_llama_server_client,
    run_whole_client,
)
from benchmarks.new_places.files import Cursor, HoledFile, choose_files
from benchmarks.new_places.table import render_comparisons, render_table
from benchmarks.options import BASELINE, add_baseline, add_choice, create_parser, read_baseline
from benchmarks.progress import Progress, show_progress
from benchmarks.servers.raw import RawLlama
from benchmarks.workloads.holes import load_holes
from copilotd.engine.tokens.common_prefix import common_prefix_length
from copilotd.engine.worker.llama.context_params import count_cores

Starter = Callable[[Path], AbstractAsyncContextManager[HoleClient]]
OURS = "copilotd"
IDLES = ("0", "0.5", "1", "1.5")
RATE_TOKENS = 1024
SIDES: dict[str, Starter] = {
    OURS: partial(run_daemon_client, None),
    "whole": run_whole_client,
    "llama-server": run_llama_server_client,
}
DEFAULT = "copilotd,whole"


def main() -> None:
    """Ask at the holes that are missing, then print the tables."""
    options = _parse_options()
    results = JsonLines(options.out)
    if not options.report:
        files = choose_files(load_holes(options.holes), options.limit)
        with suppress(KeyboardInterrupt):
            asyncio.run(_ask_all(options, files, results))
    print(f"\n{describe_machine()}, {options.model.name}\n")
    # A file that was asked again counts once.
    rows = [*{(row["side"], row["idle"], row["hole"]): row for row in results.rows}.values()]
    print(render_table(rows))
    print(f"\n{render_comparisons(rows, OURS)}")


async def _ask_all(
    options: argparse.Namespace, files: Sequence[HoledFile], results: JsonLines
) -> None:
    """Ask after each idle time."""
    tokens, rate = _measure_reading(options.model, files)
    sides = _choose_sides(options)
    plan = [step for step in build_plan(options, [*sides], files) if not _is_asked(results, step)]
    progress, done = Progress(sum(len(step.file.cursors) for step in plan)), 0
    for _, steps in groupby(plan, lambda step: step.servers):
        async with AsyncExitStack() as running:
            clients: dict[str, HoleClient] = {}
            for step in steps:
                side, name = step.side, step.file.source.name
                if side not in clients:
                    show_progress(f"starting {side}")
                    clients[side] = await running.enter_async_context(sides[side](options.model))
                progress.show(done, f"{side}, idle {step.idle:g}, {name}")
                idle_s = step.idle * tokens[name] / rate
                for row in await _ask_in_file(clients[side], step.file, idle_s):
                    about = {"side": side, "idle": step.idle, "file_tokens": tokens[name]}
                    results.add(about | row)
                    done += 1


async def _ask_in_file(client: HoleClient, file: HoledFile, idle_s: float) -> list[Row]:
    """Open the file, wait, and ask at all its holes."""
    before_s = client.cpu.read_s()
    await client.open_file(file)
    await asyncio.sleep(idle_s)
    idle_cpu_s = client.cpu.read_s() - before_s
    rows = []
    for cursor in file.cursors:
        answer = await client.ask(file, cursor.offset)
        about = {"file": file.source.name, "idle_s": idle_s, "idle_cpu_s": idle_cpu_s}
        rows.append(about | build_row(cursor, answer))
    await client.close_file()
    return rows


def build_row(cursor: Cursor, answer: Answer) -> Row:
    """The answer and how much of it is right."""
    gold = cursor.hole.first_line.rstrip()
    line = answer.text.partition("\n")[0].rstrip()
    return {
        "hole": cursor.hole.name,
        "language": cursor.hole.file.language,
        "gold": gold,
        "first_text": answer.first_text,
        "text": answer.text,
        "is_exact_at_first": answer.first_text.partition("\n")[0].rstrip() == gold,
        "is_exact": line == gold,
        "right_characters": common_prefix_length(line, gold),
        "first_ms": answer.first_ms,
        "evaluated": answer.evaluated,
        "answer_cpu_s": answer.cpu_s,
    }


def _measure_reading(model: Path, files: Sequence[HoledFile]) -> tuple[dict[str, int], float]:
    """The tokens of each file, and how many of them the machine evaluates in a second."""
    show_progress("measuring the prefill rate")
    raw = RawLlama(model, count_cores())
    tokens = {file.source.name: raw.tokenize(file.text) for file in files}
    longest = max(tokens.values(), key=len)[:RATE_TOKENS]
    timed = raw.generate(longest, 1)
    return {name: len(some) for name, some in tokens.items()}, 1000 * len(longest) / timed.first_ms


@dataclass(frozen=True, slots=True)
class Step:
    """A side that opens a file and waits `idle`; steps with equal `servers` share their servers."""

    side: str
    idle: float
    file: HoledFile
    servers: float


def build_plan(
    options: argparse.Namespace, sides: Sequence[str], files: Sequence[HoledFile]
) -> list[Step]:
    """All steps, file by file for each set of servers.

    A side opens each file once for all the idle times that it does not wait for.
    """
    waits = {OURS: options.idles, BASELINE: options.baseline_idles}
    steps: dict[tuple[str, float, str], Step] = {}
    for number, idle in enumerate(options.idles):
        some = files if options.cross else files[number :: len(options.idles)]
        for turn, file in enumerate(some):
            for side in rotate(sides, turn):
                own_idle = float(idle) if idle in waits.get(side, ()) else 0.0
                key = side, own_idle, file.source.name
                # A server that has seen the file must not see it again.
                servers = float(idle) if options.cross else 0.0
                steps.setdefault(key, Step(side, own_idle, file, servers))
    order = {file.source.name: number for number, file in enumerate(files)}
    return sorted(steps.values(), key=lambda step: (step.servers, order[step.file.source.name]))


def _is_asked(results: JsonLines, step: Step) -> bool:
    name = step.file.source.name
    rows = results.select(side=step.side, idle=step.idle, file=name)
    return {row["hole"] for row in rows} >= {cursor.hole.name for cursor in step.file.cursors}


def _choose_sides(options: argparse.Namespace) -> dict[str, Starter]:
    """The sides that the options name, and the baseline."""
    chosen: dict[str, Starter] = {side: SIDES[side] for side in options.sides}
    if baseline := read_baseline(options):
        chosen[BASELINE] = partial(run_daemon_client, baseline)
    return chosen


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    add_choice(parser, "--sides", SIDES, DEFAULT)
    add_baseline(parser)
    parser.add_argument("--holes", type=Path, required=True, help="a folder with holes")
    parser.add_argument("--out", type=Path, required=True, help="file for the results, JSON lines")
    parser.add_argument("--limit", type=int, default=200, help="holes to try (default 200)")
    add_choice(parser, "--idles", IDLES)
    add_choice(parser, "--baseline-idles", IDLES, "0", "; the same for the baseline")
    parser.add_argument("--cross", action="store_true", help="try each file after each idle time")
    parser.add_argument("--report", action="store_true", help="only print the tables, from --out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
