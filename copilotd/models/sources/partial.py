"""A file that is still arriving, and the note of whose bytes it holds.

Bytes are only ever added to a file whose note names the same origin: two versions of a model
never end up in one file.
"""

from pathlib import Path
from typing import BinaryIO

import msgspec

SUFFIX = ".partial"


class _Note(msgspec.Struct):
    identity: str
    sections: list[int] = []


class PartialFile:
    """`target` in the making. Deleting either file by hand is safe: the download starts anew.

    `identity` says of which file the bytes are; empty if that is not known.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(target.name + SUFFIX)
        self._note_path = target.with_name(target.name + SUFFIX + ".json")
        self.identity = self._note().identity

    @property
    def length(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def sections(self) -> list[int]:
        """The lengths that the file had after each section that was completed."""
        return [end for end in self._note().sections if end <= self.length]

    def begin(self, identity: str) -> None:
        """Keep the bytes that are there if they are of the file `identity`; drop others."""
        if self.identity != identity:
            self.restart(identity)

    def restart(self, identity: str) -> None:
        """Begin with no bytes. Nothing is on the disk before the first of them is."""
        self.discard()
        self.identity = identity

    def open_at(self, offset: int) -> BinaryIO:
        """Open for writing behind the first `offset` bytes; the rest is cut off."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._note().identity != self.identity:
            self._write(_Note(self.identity))
        file = self.path.open("r+b" if self.path.exists() else "w+b")
        file.truncate(offset)
        file.seek(offset)
        return file

    def complete_section(self, length: int) -> None:
        """Note that the file is good up to `length`."""
        self._write(_Note(self.identity, [*self.sections, length]))

    def discard(self) -> None:
        """Forget all that has arrived."""
        self.path.unlink(missing_ok=True)
        self.remove_note()
        self.identity = ""

    def remove_note(self) -> None:
        """The file is complete and has been moved: only the note is left to remove."""
        self._note_path.unlink(missing_ok=True)

    def _note(self) -> _Note:
        try:
            return msgspec.json.decode(self._note_path.read_bytes(), type=_Note)
        except (FileNotFoundError, msgspec.MsgspecError):
            return _Note("")

    def _write(self, note: _Note) -> None:
        self._note_path.write_bytes(msgspec.json.encode(note))
