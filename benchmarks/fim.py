"""How often a model fills in the right line: the daemon and llama-cpp-python on the same holes.

    python -m benchmarks.fim --model MODEL.gguf --data humaneval_fim_python.jsonl.gz --limit 100

Each line of the data is a hole {prompt, suffix, canonical_solution}. The protocol is that of the
HumanEval-FIM table in the Qwen2.5-Coder report: decode greedily, at most 64 new tokens, and compare
the first line that is not blank, stripped, with the solution. All sides get every hole in turn:
llama-cpp-python in this process, and the daemon's /v1/completions with the same token ids. This
part goes past the daemon's own prompts and filters. For the first `--shown` holes, the benchmark
also requests the ghost text that an editor would show on an empty line in place of the hole. Only
these answers have the daemon's own prompt and filters. `--shown all` requests it for every hole.
Ctrl-C ends the run early and prints the table of what was tried.
"""

import argparse
import gzip
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from math import sqrt
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.measure import Row, describe_machine, render_table, rotate
from benchmarks.options import BASELINE, add_baseline, create_parser, list_versions
from benchmarks.progress import show_progress
from benchmarks.servers.api import Api
from benchmarks.servers.daemon import run_version
from benchmarks.servers.raw import RawLlama

RAW = "llama-cpp-python"
NEW_TOKENS = 64
T = TypeVar("T")


def main() -> None:
    """Print exact match and latency for each side."""
    options = _parse_options()
    holes = _load_holes(options.data, options.limit)
    raw = RawLlama(options.model, options.threads)
    settings = {"COMPLETION__MAX_TOKENS": str(NEW_TOKENS)}
    with ExitStack() as running:
        apis = {
            side: Api(running.enter_context(run_version(v, options.model, **settings)).url)
            for side, v in list_versions(options).items()
        }
        results = _try_all(holes, lambda hole: _try_hole(hole, raw, apis))
        seen = _try_all(holes[: options.shown], lambda hole: _try_as_editor(hole, apis))
    print(
        f"\n{describe_machine()}, {options.model.name}, "
        f"{len(results)} holes of {options.data.name}\n"
    )
    print("Past the daemon's own prompts and filters (/v1/completions with token ids):\n")
    for side in (RAW, *apis):
        _print_share(side, [result[side] for result in results])
    for side in apis:
        same = sum(result[f"{side}_same"] for result in results)
        print(f"same text, {side} and {RAW}: {same}/{len(results)}")
        print(f"{side} less {RAW}: {_render_difference(results, side, RAW)}")
    print(
        f"\nWith the daemon's own prompts and filters, as in an editor: {len(seen)} of the "
        f"{len(results)} holes\n"
    )
    for side in apis:
        _print_share(f"editor, {side}", [result[side] for result in seen])
        print(f"something shown, {side}: {sum(result[f'{side}_shown'] for result in seen)}")
    if BASELINE in apis and seen:
        print(f"copilotd less {BASELINE}: {_render_difference(seen, 'copilotd', BASELINE)}")
    for side in apis:
        print(f"\n{render_table(side, RAW, _build_rows(results, side))}")


def _build_rows(results: list[dict[str, Any]], side: str) -> list[Row]:
    pairs = [("first token", "first"), ("first line", "total")]
    return [
        Row(name, "ms", [r[f"{side}_{k}"] for r in results], [r[f"{RAW}_{k}"] for r in results])
        for name, k in pairs
    ]


def _try_hole(hole: dict[str, str], raw: RawLlama, apis: Mapping[str, Api]) -> dict[str, Any]:
    """Run all sides on one hole; each side goes first in turn."""
    before, after, solution = hole["prompt"], hole["suffix"], hole["canonical_solution"].strip()
    prompt = raw.build_fim_prompt(before, after)
    timed = {
        side: apis[side].generate({"prompt": prompt, "max_tokens": NEW_TOKENS}, to_line=True)
        if side in apis
        else raw.generate(prompt, NEW_TOKENS, to_line=True)
        for side in rotate([RAW, *apis], len(prompt))
    }
    texts = {side: _find_first_line(result.text) for side, result in timed.items()}
    return {
        **{side: text == solution for side, text in texts.items()},
        **{f"{side}_same": texts[side] == texts[RAW] for side in apis},
        **{f"{side}_first": result.first_ms for side, result in timed.items()},
        **{f"{side}_total": result.total_ms for side, result in timed.items()},
    }


def _try_as_editor(hole: dict[str, str], apis: Mapping[str, Api]) -> dict[str, Any]:
    """What an editor gets on an empty line in place of the hole: is it right, is there any."""
    before, after = hole["prompt"], hole["suffix"]
    solution = hole["canonical_solution"].strip()
    result: dict[str, Any] = {}
    for side in rotate([*apis], len(before)):
        outcome = apis[side].request_ghost_text(f"{before}\n\n{after}", len(before) + 1)
        text = (outcome.get("completion") or {}).get("text", "")
        result[side] = _find_first_line(text) == solution
        result[f"{side}_shown"] = bool(text.strip())
    return result


def _print_share(side: str, right: list[bool]) -> None:
    if right:
        share = 100 * sum(right) / len(right)
        print(f"exact match, {side}: {sum(right)}/{len(right)} = {share:.1f} %")


def _render_difference(results: list[dict[str, Any]], ours: str, theirs: str) -> str:
    """The difference in points, with the 95 % interval of a paired comparison."""
    gained = sum(r[ours] and not r[theirs] for r in results)
    lost = sum(r[theirs] and not r[ours] for r in results)
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
        "--shown",
        type=_parse_count,
        default=100,
        help="how many of these to try as an editor, or all (default 100)",
    )
    add_baseline(parser)
    parser.add_argument(
        "--threads", type=int, default=2, help="threads of llama-cpp-python (default 2)"
    )
    return parser.parse_args()


def _parse_count(text: str) -> int | None:
    """A number of holes; None means all of them."""
    return None if text == "all" else int(text)


if __name__ == "__main__":
    main()
