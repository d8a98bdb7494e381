"""Files without the text of several holes, and the cursors that stand in these holes."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.workloads.holes import Hole, SourceFile

LINES = range(100, 1501)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A hole, and its offset in the file without the text of any hole."""

    hole: Hole
    offset: int


@dataclass(frozen=True, slots=True)
class HoledFile:
    """A file without the text of its holes, whose cursors are in a random order."""

    source: SourceFile
    text: str
    cursors: tuple[Cursor, ...]


def choose_files(holes: Iterable[Hole], limit: int) -> list[HoledFile]:
    """Files of 100 to 1,500 lines with `limit` holes or a few more.

    The order is the same in every run. A smaller choice is the beginning of a larger one.
    """
    by_file: dict[str, list[Hole]] = defaultdict(list)
    for hole in holes:
        if hole.file.text.count("\n") in LINES:
            by_file[hole.file.name].append(hole)
    names = sorted(by_file)
    random.Random(0).shuffle(names)
    files: list[HoledFile] = []
    for name in names:
        if sum(len(file.cursors) for file in files) >= limit:
            break
        files.append(cut_holes(by_file[name]))
    return files


def cut_holes(holes: Sequence[Hole]) -> HoledFile:
    """The file of `holes` without their text; a hole that overlaps an earlier one is left out."""
    source = holes[0].file
    text, done, shift = "", 0, 0
    cursors: list[Cursor] = []
    for hole in sorted(holes, key=lambda hole: hole.at):
        if hole.at < done:
            continue
        text += source.text[done : hole.at]
        cursors.append(Cursor(hole, hole.at - shift))
        shift += len(hole.gold)
        done = hole.at + len(hole.gold)
    random.Random(source.name).shuffle(cursors)
    return HoledFile(source, text + source.text[done:], tuple(cursors))
