"""Source files of repositories, and the lines that were inserted into them.

A folder has the pairs NAME.tar.gz, which holds the sources, and NAME.jsonl, which holds the holes.
A line of NAME.jsonl is {id, path, at, gold}: `gold` stands at the offset `at` of the file NAME/path
of the archive, in code points. The file without it is the hole.
"""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workloads.languages import find_language


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file; `name` begins with its repository."""

    name: str
    text: str

    @property
    def language(self) -> str:
        """The language id."""
        return find_language(self.name)


@dataclass(frozen=True, slots=True)
class Hole:
    """A text that stands at the offset `at` of `file` and has to be written again."""

    name: str
    file: SourceFile
    at: int
    gold: str

    @property
    def before(self) -> str:
        """The file up to the hole."""
        return self.file.text[: self.at]

    @property
    def after(self) -> str:
        """The file behind the hole."""
        return self.file.text[self.at + len(self.gold) :]

    @property
    def first_line(self) -> str:
        """The first line of the gold."""
        return self.gold.partition("\n")[0]


def load_sources(folder: Path) -> list[SourceFile]:
    """All files of all archives in `folder` that are UTF-8."""
    return [file for archive in sorted(folder.glob("*.tar.gz")) for file in _read_files(archive)]


def load_holes(folder: Path) -> list[Hole]:
    """All holes in `folder`.

    Raises: ValueError if a gold does not stand where its hole says.
    """
    holes: list[Hole] = []
    for path in sorted(folder.glob("*.jsonl")):
        files = {file.name: file for file in _read_files(path.with_suffix(".tar.gz"))}
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            holes.append(_build_hole(row, files[f"{path.stem}/{row['path']}"]))
    return holes


def _build_hole(row: dict[str, str | int], file: SourceFile) -> Hole:
    hole = Hole(str(row["id"]), file, int(row["at"]), str(row["gold"]))
    if not file.text.startswith(hole.gold, hole.at):
        raise ValueError(f"the text of {hole.name} does not stand at {hole.at}")
    return hole


def _read_files(archive: Path) -> Iterator[SourceFile]:
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            try:
                yield SourceFile(member.name, content.read().decode("utf-8"))
            except UnicodeDecodeError:
                continue
