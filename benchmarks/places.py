"""Ask for ghost text at random places in files that parse. Does it break them?

    python -m benchmarks.places --model MODEL.gguf --holes FOLDER --out PLACES.jsonl

The files are Python's standard library and the archives of `--holes` (workloads/holes.py). The
places are of six kinds (cursor_places/places.py). Where the right end of a line is deleted, the
deleted text is the right answer. Each place is asked over LSP, either by hand or automatically, and
the answer is applied as an editor would. A parser judges the result: tree-sitter, apart from the
daemon's own parse check.

- "Breaks the parse" counts texts after which the file has more errors than before.
- "Does not parse" counts, at deleted ends, texts after which the file has errors at all.
- "Python refuses it" counts the same for Python's own parser, in Python files that it accepts. It
  is stricter about line ends and indentation than tree-sitter.
- "Repeats the rest of the line" counts texts whose first line has the next three tokens behind the
  cursor in it, or all of them.

The daemon does not measure the machine, does not work ahead and keeps no suggestions, so an answer
depends on its place alone. The run ends when `--limit` texts of each kind and trigger are shown, or
when `--most-places` of them are asked. Ctrl-C ends it early. The same command continues it.
"""

import argparse
import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from sysconfig import get_path

from benchmarks.clients.ghost_text import GhostText, GhostTextClient
from benchmarks.cursor_places.grammar import LANGUAGES, ParsedFile, parse_file
from benchmarks.cursor_places.places import Kind, Place, draw_place
from benchmarks.cursor_places.table import render_comparisons, render_table
from benchmarks.cursor_places.verdict import judge
from benchmarks.json_lines import JsonLines, Row
from benchmarks.measure import describe_machine, rotate
from benchmarks.options import BASELINE, add_baseline, add_choice, create_parser, list_versions
from benchmarks.progress import Progress
from benchmarks.servers.daemon import RunningDaemon, run_version
from benchmarks.workloads.holes import SourceFile, load_sources

SETTINGS = {
    "COMPLETION__ANTICIPATE": "false",
    "COMPLETION__CACHE_ENTRIES": "0",
    "MODEL__AUTO_TUNE": "false",
}
TRIGGERS = ("invoked", "automatic")
GROUPS = [(str(kind), trigger) for kind in Kind for trigger in TRIGGERS]
LINES = range(10, 2001)
"""The length of a file with places."""
FOREIGN = {"site-packages", "test", "tests", "idle_test", "lib2to3"}


@dataclass(frozen=True, slots=True)
class Question:
    """A place in a file, and whether the user asks or the editor does."""

    file: SourceFile
    place: Place
    trigger: str

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.file.name}:{self.place.offset} {self.place.kind} {self.trigger}"

    @property
    def group(self) -> tuple[str, str]:
        """The kind and the trigger."""
        return str(self.place.kind), self.trigger


def main() -> None:
    """Ask what is missing, then print the tables."""
    options = _parse_options()
    results = JsonLines(options.out)
    sides = list_versions(options)
    if not options.report:
        files = load_files(options.holes, options.languages)
        with ExitStack() as running:
            daemons = {
                side: running.enter_context(run_version(v, options.model, **SETTINGS))
                for side, v in sides.items()
            }
            with suppress(KeyboardInterrupt):
                asyncio.run(_ask_all(daemons, files, results, options.limit, options.most_places))
    print(f"\n{describe_machine()}, {options.model.name}")
    for trigger in TRIGGERS:
        by_side = {side: [*results.select(side=side, trigger=trigger)] for side in sides}
        for side, rows in by_side.items():
            print(f"\n{side}, {trigger}\n\n{render_table(rows)}")
        if BASELINE in by_side:
            comparison = render_comparisons(by_side["copilotd"], by_side[BASELINE])
            print(f"\ncopilotd less {BASELINE}, {trigger}\n\n{comparison}")


def load_files(folder: Path | None, languages: Sequence[str]) -> dict[str, list[SourceFile]]:
    """The files of each language, in an order that is the same in every run."""
    files = [*_read_library(), *(load_sources(folder) if folder else [])]
    random.Random(0).shuffle(files)
    return {
        language: [f for f in files if f.language == language and f.text.count("\n") in LINES]
        for language in languages
    }


def iterate_questions(files: dict[str, list[SourceFile]]) -> Iterator[Question]:
    """Questions without end: the languages in turn, each with its next file, for each trigger."""
    turns = zip(*(_iterate_parsed(some) for some in files.values() if some), strict=False)
    for number, turn in enumerate(turns):
        for file, parsed in turn:
            for trigger, kind in product(TRIGGERS, Kind):
                place = draw_place(kind, parsed, f"{file.name} {number} {trigger}")
                if place is not None:
                    yield Question(file, place, trigger)


def _iterate_parsed(files: Sequence[SourceFile]) -> Iterator[tuple[SourceFile, ParsedFile]]:
    """The files that parse, again and again; none if there is none."""
    while True:
        is_any = False
        for file in files:
            if parsed := parse_file(file.language, file.text):
                is_any = True
                yield file, parsed
        if not is_any:
            return


async def _ask_all(
    daemons: dict[str, RunningDaemon],
    files: dict[str, list[SourceFile]],
    results: JsonLines,
    limit: int,
    most_places: int,
) -> None:
    clients = {side: await GhostTextClient.connect(daemon) for side, daemon in daemons.items()}
    known = {(row["side"], row["place"]) for row in results.rows}
    tally = Tally([*clients], limit, most_places)
    for row in results.rows:
        tally.count_answer(row)
    progress = Progress(tally.wanted, tally.progress)
    for number, question in enumerate(iterate_questions(files)):
        if tally.progress == tally.wanted:
            break
        if not tally.is_open(question):
            continue
        tally.count_place(question)
        for side in rotate([*clients], number):
            if (side, question.name) not in known:
                progress.show(tally.progress, f"{side}, {question.place.kind}")
                row = await _ask(clients[side], question, side)
                results.add(row)
                tally.count_answer(row)
    for client in clients.values():
        await client.shut_down()


class Tally:
    """Counts the texts shown for each kind and trigger, on the side that has the fewest."""

    def __init__(self, sides: Sequence[str], limit: int, most_places: int) -> None:
        self._sides, self._limit, self._most_places = sides, limit, most_places
        self._asked: Counter[tuple[str, str]] = Counter()
        self._shown: Counter[tuple[str, str, str]] = Counter()
        self.wanted = limit * len(GROUPS)

    @property
    def progress(self) -> int:
        """How many of the wanted texts are shown, or are not there."""
        return sum(self._count_reached(group) for group in GROUPS)

    def is_open(self, question: Question) -> bool:
        """Whether more places of its kind are to be asked."""
        return self._count_reached(question.group) < self._limit

    def count_place(self, question: Question) -> None:
        """Count a place."""
        self._asked[question.group] += 1

    def count_answer(self, row: Row) -> None:
        """Count the answer of one side."""
        self._shown[row["side"], row["kind"], row["trigger"]] += row["shown"]

    def _count_reached(self, group: tuple[str, str]) -> int:
        if self._asked[group] >= self._most_places:
            return self._limit
        return min(self._limit, *(self._shown[side, *group] for side in self._sides))


async def _ask(client: GhostTextClient, question: Question, side: str) -> Row:
    place, file = question.place, question.file
    uri = client.open_file(f"{place.kind.name.lower()}/{place.offset}/{file.name}", place.text)
    ghost = await client.ask(uri, place.text, place.offset, invoked=question.trigger == "invoked")
    client.close_file(uri)
    return _build_row(question, side, ghost)


def _build_row(question: Question, side: str, ghost: GhostText) -> Row:
    place, language = question.place, question.file.language
    verdict = judge(language, place, ghost.text, ghost.rest, ghost.accepted)
    return {
        "side": side,
        "place": question.name,
        "kind": place.kind,
        "language": language,
        "trigger": question.trigger,
        "line": place.text[: place.offset].rpartition("\n")[2],
        "behind": place.behind,
        "gold": place.gold,
        "shown": bool(ghost.text.strip()),
        "text": ghost.text,
        "rest": ghost.rest,
        "is_partial": ghost.is_partial,
        "status": ghost.status,
        "reason": ghost.reason,
        "ms": ghost.ms,
        **asdict(verdict),
    }


def _read_library() -> Iterator[SourceFile]:
    root = Path(get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if not FOREIGN & set(name.parts):
            yield SourceFile(f"stdlib/{name.as_posix()}", path.read_text("utf-8", "replace"))


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    add_baseline(parser)
    add_choice(parser, "--languages", LANGUAGES)
    parser.add_argument("--holes", type=Path, help="a folder of archives with sources")
    parser.add_argument("--out", type=Path, required=True, help="file for the results, JSON lines")
    parser.add_argument(
        "--limit",
        type=int,
        default=200,
        help="texts that are shown for each kind and trigger (default 200)",
    )
    parser.add_argument(
        "--most-places",
        type=int,
        default=1000,
        help="places to ask at most for each kind and trigger (default 1000)",
    )
    parser.add_argument("--report", action="store_true", help="only print the tables, from --out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
