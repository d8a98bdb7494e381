"""What a cursor costs that has gone to another line: cells that move against a full evaluation.

    python -m benchmarks.kv_reposition --model MODEL.gguf --out OUTCOMES.jsonl

A long file is read with the cursor at one place, then a suggestion is asked for at a hole some
lines away (moved_cursor.py): greedy, to the end of the line. Three sides take turns, each from the
same cells: what follows the cursor is spliced, or evaluated again, or the prompt is a brief one,
which is read in the time for a first answer. Printed are tokens evaluated, milliseconds to the
first token, and on how many holes each side wrote exactly the right line. Each hole meets one of
the moves; --turn 1, 2, … gives it the next ones. Outcomes are appended to --out, and the same
command goes on where it was stopped; --report only prints. Only on a machine that does nothing
else.
"""

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from sysconfig import get_path

from benchmarks.fim_layouts.holes import long_files
from benchmarks.fim_layouts.moved_cells import EVALUATED, SIDES, SPLICED, TURNED, Asked, Bench
from benchmarks.fim_layouts.moved_cursor import MOVES
from benchmarks.measure import Row, machine, table

_SAME = {"same text as evaluated": EVALUATED, "as by llama.cpp": TURNED}


def main() -> None:
    """Try what is missing, then report."""
    options = _options()
    done = _read(options.out)
    if not options.report:
        _try(options, {(row["hole"], row["move"]) for row in done})
        done = _read(options.out)
    print(f"{machine()}\n\n{report(done)}")


def report(rows: list[dict[str, object]]) -> str:
    """Costs and right lines by move, in Markdown."""
    by_move: dict[str, list[dict[str, Asked]]] = defaultdict(list)
    for row in rows:
        asked = {side: Asked(**row[side]) for side in SIDES}  # type: ignore[arg-type]
        by_move[str(row["move"])].append(asked)
        by_move["all"].append(asked)
    names = [name for name in (*MOVES, "all") if name in by_move]
    tables = [
        table(SPLICED, other, [row for name in names for row in _costs(name, by_move[name], other)])
        for other in (EVALUATED, TURNED)
    ]
    lines = [f"| move | holes | {' | '.join(SIDES)} | {' | '.join(_SAME)} |", "|---" * 8 + "|"]
    for name in names:
        tries = by_move[name]
        right = [str(sum(asked[side].right for asked in tries)) for side in SIDES]
        same = [str(sum(a[SPLICED].text == a[side].text for a in tries)) for side in _SAME.values()]
        lines.append(f"| {name} | {len(tries)} | {' | '.join(right + same)} |")
    return "\n\n".join([*tables, "\n".join(lines)])


def _costs(name: str, tries: list[dict[str, Asked]], other: str) -> list[Row]:
    ours, theirs = ([asked[side] for asked in tries] for side in (SPLICED, other))
    return [
        Row(
            f"{name}: evaluated",
            "tokens",
            [asked.evaluated for asked in ours],
            [asked.evaluated for asked in theirs],
        ),
        Row(
            f"{name}: first token",
            "ms",
            [asked.first_ms for asked in ours],
            [asked.first_ms for asked in theirs],
        ),
    ]


def _try(options: argparse.Namespace, done: set[tuple[object, object]]) -> None:
    bench = Bench(options.model)
    holes = long_files(options.sources, options.holes)
    names = [name for name in MOVES if options.only in name]
    for number, hole in enumerate(holes):
        move = names[(number + options.turn) % len(names)]
        print(f"\r{number + 1}/{len(holes)}", end="", file=sys.stderr, flush=True)
        places = MOVES[move](hole)
        if (hole.name, move) in done or not places:
            continue
        # Which side comes first changes from hole to hole.
        shift = number % len(SIDES)
        asked = bench.asked(hole, places, SIDES[shift:] + SIDES[:shift])
        with options.out.open("a") as out:
            row = {"hole": hole.name, "move": move}
            print(json.dumps(row | {side: asdict(a) for side, a in asked.items()}), file=out)


def _read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a GGUF file with FIM tokens")
    parser.add_argument("--holes", type=int, default=70, help="long files to try (default 70)")
    parser.add_argument(
        "--sources",
        type=Path,
        default=Path(get_path("stdlib")),
        help="folder of Python files (default: the standard library)",
    )
    parser.add_argument("--turn", type=int, default=0, help="which moves the holes meet")
    parser.add_argument("--only", default="", help="part of the names of the moves to make")
    parser.add_argument("--out", type=Path, required=True, help="file of outcomes, JSON lines")
    parser.add_argument("--report", action="store_true", help="only the tables, from --out")
    options = parser.parse_args()
    if not options.report and not options.model:
        parser.error("--model is needed, or --report")
    return options


if __name__ == "__main__":
    main()
