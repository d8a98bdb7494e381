"""Holes to fill while a line is typed: lines of HumanEval-FIM and lines of long source files.

A hole is one line, which is typed up to a cursor. The cursor is drawn once for each hole: behind
the indentation, inside a word, or between words. The model has to write the rest of the line.
"""

import gzip
import io
import json
import random
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

HUMANEVAL = "HumanEval-FIM"
LONG_FILES = "long files"

_LEAST_LINES = 500
_LINE = range(10, 101)
"""The length of a line that becomes a hole, without its indentation."""
_REACH = 12_000
"""Characters of a file on each side of the hole: more than any window shows."""
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
    tokenize.STRING,
}


@dataclass(frozen=True, slots=True)
class Hole:
    """One line of a text; `before` ends where it starts, and `after` starts with its line break."""

    name: str
    source: str
    before: str
    line: str
    after: str
    point: str = ""
    typed: int = 0
    """Characters of `line` left of the cursor."""

    @property
    def left(self) -> str:
        """The typed part of the line."""
        return self.line[: self.typed]

    @property
    def rest(self) -> str:
        """The part that the model has to write."""
        return self.line[self.typed :]

    @property
    def indentation(self) -> int:
        """Characters of white space at the line's start."""
        return len(self.line) - len(self.line.lstrip())

    def with_cursor(self, typed: int) -> "Hole":
        """The same hole with the cursor behind `typed` characters of the line."""
        return replace(self, typed=typed)


def load_humaneval(path: Path, limit: int) -> list[Hole]:
    """A sample of the data set; a smaller sample is the beginning of a larger one."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        rows = [json.loads(line) for line in lines]
    random.Random(0).shuffle(rows)
    holes = (
        Hole(
            row["name"],
            HUMANEVAL,
            f"{row['prompt']}\n",
            row["canonical_solution"],
            f"\n{row['suffix']}",
        )
        for row in rows
    )
    return [_place_cursor(hole) for hole in holes][:limit]


def load_long_files(root: Path, limit: int) -> list[Hole]:
    """A line of code from each of `limit` Python files below `root` with 500 lines or more."""
    paths = sorted(path for path in root.rglob("*.py") if not _is_foreign(path.relative_to(root)))
    random.Random(0).shuffle(paths)
    holes: list[Hole] = []
    for path in paths:
        if len(holes) == limit:
            break
        holes += _pick_line(path, path.relative_to(root).as_posix())
    return holes


def _is_foreign(path: Path) -> bool:
    return bool({"site-packages", "test", "tests", "idle_test"} & set(path.parts))


def _pick_line(path: Path, name: str) -> Iterator[Hole]:
    try:
        text = path.read_text("utf-8")
        code = _find_code_lines(text)
    except (UnicodeDecodeError, SyntaxError):  # Some files are invalid on purpose.
        return
    lines = text.split("\n")
    fit = [n for n in code if n > 1 and len(lines[n - 1].strip()) in _LINE]
    if len(lines) < _LEAST_LINES or not fit:
        return
    number = random.Random(name).choice(fit)
    before = "".join(f"{line}\n" for line in lines[: number - 1])
    after = "".join(f"\n{line}" for line in lines[number:])
    yield _place_cursor(
        Hole(
            f"{name}:{number}",
            LONG_FILES,
            before[before.find("\n", max(0, len(before) - _REACH)) + 1 :],
            lines[number - 1],
            after[:_REACH],
        )
    )


def _find_code_lines(text: str) -> list[int]:
    """Numbers, from 1, of the lines on which something other than a comment or string starts."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sorted({token.start[0] for token in tokens if token.type not in _NO_CODE})


def _place_cursor(hole: Hole) -> Hole:
    """The hole with its cursor. The kind of place is drawn first, so that no kind is rare."""
    start, end = hole.indentation, len(hole.line.rstrip())
    inside = [at for at in range(start + 1, end) if _is_inside_word(hole.line, at)]
    between = [at for at in range(start + 1, end) if at not in inside]
    points = {"nothing typed": [start], "inside a word": inside, "between words": between}
    drawn = random.Random(f"{hole.source} {hole.name}")
    point = drawn.choice([name for name, places in points.items() if places])
    return replace(hole, point=point, typed=drawn.choice(points[point]))


def _is_inside_word(line: str, at: int) -> bool:
    return all(character.isalnum() or character == "_" for character in line[at - 1 : at + 1])
