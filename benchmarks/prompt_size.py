"""How often the rest of a line is exactly right with prompts of different sizes.

    python -m benchmarks.prompt_size --model MODEL.gguf --holes FOLDER --out OUTCOMES.jsonl

The holes are lines that were inserted into real files (workloads/holes.py). The prompt has the
layout of the daemon: the prefix ends two lines above the cursor, and the last word is healed. Its
prefix has at most 64 to 2,048 tokens, and its suffix has at most 128. The model writes the rest of
the line, greedy, within 64 tokens. The outcomes are appended to --out. The same command continues a
run that was stopped. `--report` prints the table and writes the plot from that file, without a
model.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.fim_layouts.cells import Cells
from benchmarks.fim_layouts.exact import ExactMatchTester
from benchmarks.fim_layouts.holes import Hole
from benchmarks.fim_layouts.inserted_lines import INSERTED, load_inserted_lines
from benchmarks.fim_layouts.keystroke_cost import count_on_new_line, count_per_keystroke
from benchmarks.fim_layouts.layout import LayoutBuilder
from benchmarks.fim_layouts.outcomes import OutcomeFile, RecipeOutcome
from benchmarks.fim_layouts.plot import Mark, render_panels
from benchmarks.fim_layouts.recipes import Recipe
from benchmarks.fim_layouts.table import Summary, summarize
from benchmarks.intervals import render_comparison
from benchmarks.measure import describe_machine
from benchmarks.options import create_parser
from benchmarks.progress import Progress

SIZES = (64, 128, 256, 512, 768, 1024, 1536, 2048)
RECIPES = {Recipe(f"prefix {size}", "prefix", 2, prefix_tokens=size): size for size in SIZES}
COLOUR = "#0072b2"


def main() -> None:
    """Try what is missing, then print the table and write the plot."""
    options = _parse_options()
    outcomes = OutcomeFile.read(options.out)
    if not options.report:
        holes = load_inserted_lines(options.holes, options.limit)
        _try_missing(holes, Cells(options.model, options.threads), outcomes)
    rows = summarize(outcomes, INSERTED, [recipe.name for recipe in RECIPES])
    print(f"\n{describe_machine()}, {options.model.name}\n\n{render_table(outcomes, rows)}")
    options.plot.write_text(render_plot(rows))


def render_table(outcomes: OutcomeFile, rows: Sequence[Summary]) -> str:
    """One line for each size; the last column compares it with the largest one."""
    lines = [
        "| prefix tokens, at most | right | % (95 % interval) | less the largest, paired |",
        "|---|---|---|---|",
    ]
    for row in rows:
        low, high = row.interval
        pairs = [
            ((its[row.name].right, 1), (its[rows[-1].name].right, 1))
            for its in outcomes.by_recipe.values()
            if row.name in its and rows[-1].name in its
        ]
        ours, theirs = zip(*pairs, strict=True) if pairs else ((), ())
        share = f"{row.share:.1f} ({low:.0f} to {high:.0f})"
        cells = [
            _find_size(row),
            f"{row.right}/{row.holes}",
            share,
            render_comparison(ours, theirs),
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def render_plot(rows: Sequence[Summary]) -> str:
    """Exact lines over the size of the prefix, as SVG."""
    marks = [Mark(row.name, _find_size(row), row.share, COLOUR) for row in rows]
    return render_panels({INSERTED: marks}, "tokens of the prefix, at most")


def _find_size(row: Summary) -> int:
    return next(size for recipe, size in RECIPES.items() if recipe.name == row.name)


def _try_missing(holes: Sequence[Hole], cells: Cells, outcomes: OutcomeFile) -> None:
    layouts, tester = LayoutBuilder(cells.vocabulary), ExactMatchTester(cells)
    progress = Progress(len(holes), sum(hole.name in outcomes.by_recipe for hole in holes))
    for number, hole in enumerate(holes):
        progress.show(number)
        missing = [r for r in RECIPES if r.name not in outcomes.by_recipe.get(hole.name, {})]
        if not missing:
            continue
        results = tester.try_layouts(hole, {r.name: layouts.build(hole, r) for r in missing})
        tried = {
            r.name: RecipeOutcome(
                **asdict(results[r.name]),
                evaluated=count_per_keystroke(layouts, hole, r),
                new_line=count_on_new_line(layouts, hole, r),
            )
            for r in missing
        }
        recipes = {name: asdict(outcome) for name, outcome in tried.items()}
        outcomes.add(
            {"hole": hole.name, "source": hole.source, "point": hole.point, "recipes": recipes}
        )


def _parse_options() -> argparse.Namespace:
    parser = create_parser(__doc__)
    parser.add_argument("--holes", type=Path, required=True, help="a folder with holes")
    parser.add_argument("--limit", type=int, default=200, help="holes to try (default 200)")
    parser.add_argument("--threads", type=int, default=2, help="threads (default 2)")
    parser.add_argument("--out", type=Path, required=True, help="file for the outcomes, JSON lines")
    parser.add_argument(
        "--report", action="store_true", help="only print the table and write the plot, from --out"
    )
    parser.add_argument(
        "--plot", type=Path, default=Path(__file__).with_suffix(".svg"), help="SVG file to write"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
