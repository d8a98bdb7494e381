"""What a cursor costs that has gone to another line: cells that move against a full evaluation.

    python -m benchmarks.splice --model MODEL.gguf --out OUTCOMES.jsonl

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
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from sysconfig import get_path

from benchmarks.holes import Hole, long_files
from benchmarks.measure import Row, machine, table
from benchmarks.moved_cursor import MOVES, Place, at_hole
from copilotd.engine.archive import Archive
from copilotd.engine.generation import Generation
from copilotd.engine.interrupt import Interrupt
from copilotd.engine.kv import KVPool
from copilotd.engine.model import Model
from copilotd.engine.parking import Park, Parked
from copilotd.engine.protocol import Event, Finish, Generate, Output, WorkerSpec
from copilotd.prompt.anchor import Layout, lay_out
from copilotd.prompt.fim import fim_prompt, movable
from copilotd.types import GenerateRequest, Lane, Usage

_LINES_ABOVE = 2
_PREFIX, _SUFFIX = 768, 128
"""Tokens shown to the model, as on a machine whose speed is not measured."""
_BRIEF_PREFIX, _BRIEF_SUFFIX = 96, 32
_MAX_TOKENS = 64
_N_SEQ = 4
SIDES = ("spliced", "evaluated", "brief")


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one suggestion: `evaluated` tokens of its prompt, time in ms."""

    evaluated: int
    first_ms: float
    text: str
    right: bool


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
    costs = [row for name in names for row in _costs(name, by_move[name])]
    lines = ["", "| move | holes | " + " | ".join(SIDES) + " | same text |", "|---" * 6 + "|"]
    for name in names:
        tries = by_move[name]
        right = [str(sum(asked[side].right for asked in tries)) for side in SIDES]
        same = sum(asked["spliced"].text == asked["evaluated"].text for asked in tries)
        lines.append(f"| {name} | {len(tries)} | {' | '.join(right)} | {same} |")
    return table("spliced", "evaluated", costs) + "\n" + "\n".join(lines)


def _costs(name: str, tries: list[dict[str, Asked]]) -> list[Row]:
    ours, theirs = ([asked[side] for asked in tries] for side in ("spliced", "evaluated"))
    return [
        Row(f"{name}: evaluated", "tokens", *([a.evaluated for a in s] for s in (ours, theirs))),
        Row(f"{name}: first token", "ms", *([a.first_ms for a in s] for s in (ours, theirs))),
    ]


def _try(options: argparse.Namespace, done: set[tuple[object, object]]) -> None:
    bench = Bench(options.model)
    holes = long_files(options.sources, options.holes)
    names = list(MOVES)
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


class Bench:
    """The engine's own loop in this process, whose cells are put back before each side's turn."""

    def __init__(self, path: Path) -> None:
        self._interrupt = Interrupt()
        self._model = Model(WorkerSpec(str(path), path.stem, n_seq=_N_SEQ), self._interrupt)
        self._model.vocabulary.prepare()

    def asked(self, hole: Hole, places: list[Place], sides: tuple[str, ...]) -> dict[str, Asked]:
        """What each of `sides` makes of the hole after what was read at `places`."""
        first = self._request(places[0], None)
        held = self._read(first[0])
        return {side: self._side(hole, places, side, held, first[1]) for side in sides}

    def _side(
        self, hole: Hole, places: list[Place], side: str, held: Parked, layout: Layout
    ) -> Asked:
        run = Run(self._model, self._interrupt, held)
        for place in places[1:] if side != "brief" else []:
            request, layout = self._request(place, layout, splice=side == "spliced")
            run.generate(request)
        here = at_hole(hole)
        if side == "brief":
            request, _ = self._request(here, None, sizes=(_BRIEF_PREFIX, _BRIEF_SUFFIX))
        else:
            request, layout = self._request(here, layout, splice=side == "spliced")
        tail = here.document.text[: here.offset][-(self._tail(here, layout, side)) :]
        text, usage, ms = run.generate(_suggestion(request, tail))
        right = (hole.left + text).strip() == hole.line.strip()
        return Asked(usage.prompt_tokens - usage.cached_tokens, ms, text, right)
