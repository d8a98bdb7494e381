"""Holes of real repositories as lines that are typed up to a cursor."""

import random
from pathlib import Path

from benchmarks.fim_layouts.holes import Hole
from benchmarks.workloads import holes as workload

INSERTED = "inserted lines"


def load_inserted_lines(folder: Path, limit: int) -> list[Hole]:
    """A sample of the holes in `folder`; a smaller sample is the beginning of a larger one.

    Of a hole with several lines, the first one is to be written, and the others are not there.
    """
    found = sorted(workload.load_holes(folder), key=lambda hole: hole.name)
    random.Random(0).shuffle(found)
    return [to_line(hole) for hole in found if hole.first_line.strip()][:limit]


def to_line(hole: workload.Hole) -> Hole:
    """The line in which the hole begins; it is typed up to the hole."""
    above, _, left = hole.before.rpartition("\n")
    return Hole(
        hole.name,
        INSERTED,
        f"{above}\n" if "\n" in hole.before else "",
        left + hole.first_line,
        hole.after,
        "inside a line" if left.strip() else "nothing typed",
        len(left),
    )
