"""Measure a cursor that moved to another line: repositioned KV cells against a full evaluation.

    python -m benchmarks.kv_reposition --model MODEL.gguf --out OUTCOMES.jsonl

The benchmark evaluates a long file with the cursor at one place. Then it requests a suggestion at a
hole some lines away (moved_cursor.py), greedy, to the end of the line. The sides take turns and
start from the same cells. One side repositions the cells of the text after the cursor, one lets
llama.cpp shift them, one evaluates that text again, and one uses a brief prompt, which fits the
time for a first answer. The table shows the evaluated tokens, the milliseconds to the first token,
and on how many holes each side wrote exactly the right line.

Each hole is tried with one of the moves; --turn 1, 2, … selects the next ones. The benchmark
appends the outcomes to --out, and the same command continues a run that was stopped. --report only
prints. Use an idle machine.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from sysconfig import get_path

from benchmarks.fim_layouts.holes import load_long_files
from benchmarks.fim_layouts.moved_cells import (
    EVALUATED,
    LLAMA_CPP,
    REPOSITIONED,
    SIDES,
    Bench,
    SideResult,
)
from benchmarks.fim_layouts.moved_cursor import MOVES
from benchmarks.measure import Row, describe_machine, render_table
from benchmarks.options import create_parser_without_model
from benchmarks.progress import show_progress

_SAME_TEXT = {"same text as evaluated": EVALUATED, "as by llama.cpp": LLAMA_CPP}


def main() -> None:
    """Try the missing holes, and then print the report."""
    options = _parse_options()
    done = _read_outcomes(options.out)
    if not options.report:
        _try_missing(options, {(row["hole"], row["move"]) for row in done})
        done = _read_outcomes(options.out)
    print(f"{describe_machine()}\n\n{render_report(done)}")


def render_report(rows: list[dict[str, object]]) -> str:
    """Costs and right lines for each move, in Markdown."""
    by_move: dict[str, list[dict[str, SideResult]]] = defaultdict(list)
    for row in rows:
        results = {side: SideResult(**row[side]) for side in SIDES}  # type: ignore[arg-type]
        by_move[str(row["move"])].append(results)
        by_move["all"].append(results)
    names = [name for name in (*MOVES, "all") if name in by_move]
    tables = [
        render_table(
            REPOSITIONED,
            other,
            [row for name in names for row in _build_cost_rows(name, by_move[name], other)],
        )
        for other in (EVALUATED, LLAMA_CPP)
    ]
    lines = [f"| move | holes | {' | '.join(SIDES)} | {' | '.join(_SAME_TEXT)} |", "|---" * 8 + "|"]
    for name in names:
        tries = by_move[name]
        right = [str(sum(results[side].right for results in tries)) for side in SIDES]
        same = [
            str(sum(a[REPOSITIONED].text == a[side].text for a in tries))
            for side in _SAME_TEXT.values()
        ]
        lines.append(f"| {name} | {len(tries)} | {' | '.join(right + same)} |")
    return "\n\n".join([*tables, "\n".join(lines)])


def _build_cost_rows(name: str, tries: list[dict[str, SideResult]], other: str) -> list[Row]:
    ours, theirs = ([results[side] for results in tries] for side in (REPOSITIONED, other))
    return [
        Row(
            f"{name}: evaluated",
            "tokens",
            [results.evaluated for results in ours],
            [results.evaluated for results in theirs],
        ),
        Row(
            f"{name}: first token",
            "ms",
            [results.first_ms for results in ours],
            [results.first_ms for results in theirs],
        ),
    ]


def _try_missing(options: argparse.Namespace, done: set[tuple[object, object]]) -> None:
    bench = Bench(options.model)
    holes = load_long_files(options.sources, options.holes)
    names = [name for name in MOVES if options.only in name]
    for number, hole in enumerate(holes):
        move = names[(number + options.turn) % len(names)]
        show_progress(f"{number + 1}/{len(holes)}")
        places = MOVES[move](hole)
        if (hole.name, move) in done or not places:
            continue
        # Another side goes first at each hole.
        shift = number % len(SIDES)
        results = bench.run_sides(hole, places, SIDES[shift:] + SIDES[:shift])
        with options.out.open("a") as out:
            row = {"hole": hole.name, "move": move}
            print(json.dumps(row | {side: asdict(a) for side, a in results.items()}), file=out)


def _read_outcomes(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _parse_options() -> argparse.Namespace:
    parser = create_parser_without_model(__doc__)
    parser.add_argument("--model", type=Path, help="a GGUF file with FIM tokens")
    parser.add_argument("--holes", type=int, default=70, help="long files to try (default 70)")
    parser.add_argument(
        "--sources",
        type=Path,
        default=Path(get_path("stdlib")),
        help="folder of Python files (default: the standard library)",
    )
    parser.add_argument(
        "--turn", type=int, default=0, help="which moves to try on the holes (default 0)"
    )
    parser.add_argument("--only", default="", help="try only moves whose name contains this text")
    parser.add_argument("--out", type=Path, required=True, help="file for the outcomes, JSON lines")
    parser.add_argument("--report", action="store_true", help="only print the tables, from --out")
    options = parser.parse_args()
    if not options.report and not options.model:
        parser.error("give --model or --report")
    return options


if __name__ == "__main__":
    main()
