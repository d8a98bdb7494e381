"""Compare ways to lay out a FIM prompt while a line is typed: quality against cost.

    python -m benchmarks.frontier --model MODEL.gguf --data FIM.jsonl.gz --out OUTCOMES.jsonl

The benchmark tries every recipe (recipes.py) on every hole (holes.py): the line is typed up to the
cursor, and the model has to write exactly the rest of it, greedy, within 64 tokens. It appends the
outcomes to --out. The same command continues a run that was stopped, and does only what is missing.
`--report` prints the tables and writes the plot from that file, without a model. `--time N`
measures, on N holes of each kind, how long the first new text takes after a keystroke; use it only
on an idle machine. `--only NAME` keeps to the recipe of that name and may be given several times.
"""

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from sysconfig import get_path

from benchmarks.fim_layouts.cells import Cells
from benchmarks.fim_layouts.exact import ExactMatchTester
from benchmarks.fim_layouts.first_token import measure_first_token
from benchmarks.fim_layouts.holes import LONG_FILES, Hole, load_humaneval, load_long_files
from benchmarks.fim_layouts.keystroke_cost import count_on_new_line, count_per_keystroke
from benchmarks.fim_layouts.layout import LayoutBuilder
from benchmarks.fim_layouts.outcomes import OutcomeFile, RecipeOutcome
from benchmarks.fim_layouts.plot import render_plot
from benchmarks.fim_layouts.recipes import Recipe, list_recipes
from benchmarks.fim_layouts.table import render_tables
from benchmarks.options import create_parser_without_model
from benchmarks.progress import show_progress


def main() -> None:
    """Try the missing recipes or time them, and then print the report."""
    options = _parse_options()
    recipes = [
        recipe for recipe in list_recipes() if recipe.name in (options.only or [recipe.name])
    ]
    outcomes = OutcomeFile.read(options.out)
    if not options.report:
        holes = _load_holes(options)
        cells = Cells(options.model, options.threads)
        if options.time:
            _measure_times(_select_timed(holes, options.time), recipes, cells, outcomes)
        else:
            _try_missing(holes, recipes, cells, outcomes)
    names = [recipe.name for recipe in recipes]
    print(render_tables(outcomes, names))
    options.plot.write_text(render_plot(outcomes, recipes))


def _try_missing(
    holes: list[Hole], recipes: list[Recipe], cells: Cells, outcomes: OutcomeFile
) -> None:
    layouts, tester = LayoutBuilder(cells.vocabulary), ExactMatchTester(cells)
    for number, hole in enumerate(holes, 1):
        show_progress(f"{number}/{len(holes)}")
        missing = [
            r for r in _select_recipes(hole, recipes) if r.name not in outcomes.by_recipe[hole.name]
        ]
        results = tester.try_layouts(hole, {r.name: layouts.build(hole, r) for r in missing})
        tried = {
            r.name: asdict(
                RecipeOutcome(
                    **asdict(results[r.name]),
                    evaluated=count_per_keystroke(layouts, hole, r),
                    new_line=count_on_new_line(layouts, hole, r),
                )
            )
            for r in missing
        }
        if tried:
            outcomes.add(_build_row(hole) | {"recipes": tried})


def _measure_times(
    holes: list[Hole], recipes: list[Recipe], cells: Cells, outcomes: OutcomeFile
) -> None:
    layouts = LayoutBuilder(cells.vocabulary)
    for number, hole in enumerate(holes, 1):
        show_progress(f"{number}/{len(holes)}")
        ms = {
            r.name: measure_first_token(cells, layouts, hole, r)
            for r in _select_recipes(hole, recipes)
        }
        outcomes.add(_build_row(hole) | {"first_ms": ms})


def _select_recipes(hole: Hole, recipes: Iterable[Recipe]) -> list[Recipe]:
    return [r for r in recipes if hole.source == LONG_FILES or not r.for_long_files_only]


def _build_row(hole: Hole) -> dict[str, str]:
    return {"hole": hole.name, "source": hole.source, "point": hole.point}


def _load_holes(options: argparse.Namespace) -> list[Hole]:
    """Both kinds of holes in turns, so that a stopped run has a share of each."""
    kinds = [
        load_humaneval(options.data, options.limit),
        load_long_files(options.sources, options.files),
    ]
    placed = [(at / len(kind), hole) for kind in kinds for at, hole in enumerate(kind)]
    return [hole for _, hole in sorted(placed, key=lambda item: item[0])]


def _select_timed(holes: list[Hole], count: int) -> list[Hole]:
    """The first `count` holes of each kind into which something is typed."""
    typed = [hole for hole in holes if hole.typed > hole.indentation]
    kinds = {hole.source: [h for h in typed if h.source == hole.source] for hole in typed}
    return [hole for kind in kinds.values() for hole in kind[:count]]


def _parse_options() -> argparse.Namespace:
    parser = create_parser_without_model(__doc__)
    parser.add_argument("--model", type=Path, help="a GGUF file with FIM tokens")
    parser.add_argument("--data", type=Path, help="JSON lines of holes, may be gzip")
    parser.add_argument("--limit", type=int, default=300, help="holes to try (default 300)")
    parser.add_argument("--files", type=int, default=60, help="long files to try (default 60)")
    parser.add_argument(
        "--sources",
        type=Path,
        default=Path(get_path("stdlib")),
        help="folder of Python files (default: the standard library)",
    )
    parser.add_argument("--threads", type=int, default=2, help="threads (default 2)")
    parser.add_argument("--out", type=Path, required=True, help="file for the outcomes, JSON lines")
    parser.add_argument("--only", action="append", metavar="NAME", help="a recipe to try")
    parser.add_argument("--time", type=int, default=0, help="holes of each kind to time")
    parser.add_argument(
        "--report", action="store_true", help="only print the tables and write the plot, from --out"
    )
    parser.add_argument(
        "--plot", type=Path, default=Path(__file__).with_suffix(".svg"), help="SVG file to write"
    )
    options = parser.parse_args()
    if not options.report and not (options.model and options.data):
        parser.error("give --model and --data, or --report")
    return options


if __name__ == "__main__":
    main()
