"""How often a model fills in the right line: the daemon and llama-cpp-python on the same holes.

    python -m benchmarks.fim --model MODEL.gguf --data humaneval_fim_python.jsonl.gz --limit 100

Each line of the data is a hole {prompt, suffix, canonical_solution}. The protocol is that of the
HumanEval-FIM table in the Qwen2.5-Coder report: decode greedily, at most 64 new tokens, and compare
the first line that is not blank, stripped, with the solution. Two sides get every hole in turn:
llama-cpp-python in this process, and the daemon's /v1/completions with the same token ids. After
that the benchmark requests the ghost text that an editor would show on an empty line in place of
the hole. Ctrl-C ends the run early and prints the table of what was tried.
"""

import argparse
import gzip
import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import sqrt
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.measure import Row, describe_machine, render_table
from benchmarks.options import create_parser
from benchmarks.progress import show_progress
from benchmarks.servers.api import Api
from benchmarks.servers.daemon import run_daemon
from benchmarks.servers.raw import RawLlama

NEW_TOKENS = 64
T = TypeVar("T")


def main() -> None:
    """Print exact match and latency for each side."""
    options = _parse_options()
    holes = _load_holes(options.data, options.limit)
    raw = RawLlama(options.model, options.threads)
    with run_daemon(options.model, COMPLETION__MAX_TOKENS=str(NEW_TOKENS)) as daemon:
        api = Api(daemon.url)
        results = _try_all(holes, lambda hole: _try_hole(hole, raw, api))
        shown = _try_all(holes[: options.shown], lambda hole: _is_shown(hole, api))
    print(
        f"\n{describe_machine()}, {options.model.name}, "
        f"{len(results)} holes of {options.data.name}\n"
    )
    for side in ("raw", "daemon"):
        _print_share(side, [result[side] for result in results])
    _print_share("editor", shown)
    print(f"same text, daemon and raw: {sum(r['same'] for r in results)}/{len(results)}")
    print(f"daemon less raw: {_render_difference(results)}\n")
    pairs = [("first token", "first"), ("first line", "total")]
    rows = [
        Row(name, "ms", [r[f"daemon_{k}"] for r in results], [r[f"raw_{k}"] for r in results])
        for name, k in pairs
    ]
    print(render_table("copilotd", "llama-cpp-python", rows))


def _try_hole(hole: dict[str, str], raw: RawLlama, api: Api) -> dict[str, Any]:
    """Run both sides on one hole; each side goes first in turn."""
    before, after, solution = hole["prompt"], hole["suffix"], hole["canonical_solution"].strip()
    prompt = raw.build_fim_prompt(before, after)
    sides = {
        "raw": lambda: raw.generate(prompt, NEW_TOKENS, to_line=True),
        "daemon": lambda: api.generate({"prompt": prompt, "max_tokens": NEW_TOKENS}, to_line=True),
    }
    order = sorted(sides, reverse=bool(len(prompt) % 2))
    timed = {name: sides[name]() for name in order}
    texts = {name: _find_first_line(result.text) for name, result in timed.items()}
    return {
        **{name: text == solution for name, text in texts.items()},
        "same": texts["raw"] == texts["daemon"],
        **{f"{name}_first": result.first_ms for name, result in timed.items()},
        **{f"{name}_total": result.total_ms for name, result in timed.items()},
    }


def _is_shown(hole: dict[str, str], api: Api) -> bool:
    """Whether an editor gets the right line on an empty line in place of the hole."""
    before, after = hole["prompt"], hole["suffix"]
    outcome = api.request_ghost_text(f"{before}\n\n{after}", len(before) + 1)
    text = (outcome.get("completion") or {}).get("text", "")
    return _find_first_line(text) == hole["canonical_solution"].strip()


def _print_share(side: str, right: list[bool]) -> None:
    if right:
        share = 100 * sum(right) / len(right)
        print(f"exact match, {side}: {sum(right)}/{len(right)} = {share:.1f} %")


def _render_difference(results: list[dict[str, Any]]) -> str:
    """The difference in points, with the 95 % interval of a paired comparison."""
    gained = sum(r["daemon"] and not r["raw"] for r in results)
    lost = sum(r["raw"] and not r["daemon"] for r in results)
    count, net = len(results), gained - lost
    error = sqrt(gained + lost - net**2 / count) / count
    return f"{100 * net / count:+.1f} points, ± {196 * error:.1f} ({gained} gained, {lost} lost)"


def _find_first_line(text: str) -> str:
    return next((line.strip() for line in text.split("\n") if line.strip()), "")


def _load_holes(path: Path, limit: int) -> list[dict[str, str]]:
    """A sample that is the same in every run."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        holes = [json.loads(line) for line in lines]
    random.Random(0).shuffle(holes)
    return holes[:limit]


def _try_all(holes: list[dict[str, str]], try_hole: Callable[[dict[str, str]], T]) -> list[T]:
    """Call `try_hole` for each hole until the user presses Ctrl-C."""
    results: list[T] = []
    with suppress(KeyboardInterrupt):
        for hole in _iterate_with_progress(holes):
            results.append(try_hole(hole))
    return results


def _iterate_with_progress(holes: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    for number, hole in enumerate(holes, 1):
        show_progress(f"{number}/{len(holes)}")
        yield hole


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="JSON lines of holes, may be gzip")
    parser.add_argument("--limit", type=int, default=100, help="holes to try (default 100)")
    parser.add_argument(
        "--shown", type=int, default=100, help="how many of these to try as an editor (default 100)"
    )
    parser.add_argument(
        "--threads", type=int, default=2, help="threads of llama-cpp-python (default 2)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
