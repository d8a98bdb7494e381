"""A file that is still being downloaded, and a note that says which file it is.

Bytes are added only if the note names the same origin, so two versions of a model never end up in
one file.
"""

from pathlib import Path
from typing import BinaryIO

import msgspec

SUFFIX = ".partial"


class _Note(msgspec.Struct):
    identity: str
    sections: list[int] = []


class PartialFile:
    """The partial download of `target`. Deleting its files by hand is safe: it starts again.

    `identity` says which file the bytes belong to; empty if unknown.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(target.name + SUFFIX)
        self._note_path = target.with_name(target.name + SUFFIX + ".json")
        self.identity = self._read_note().identity

    @property
    def length(self) -> int:
        """Bytes received so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def sections(self) -> list[int]:
        """The length of the file after each completed section, in bytes."""
        return [end for end in self._read_note().sections if end <= self.length]

    def begin(self, identity: str) -> None:
        """Keep the bytes if they belong to the file `identity`, else delete them."""
        if self.identity != identity:
            self.restart(identity)

    def restart(self, identity: str) -> None:
        """Start again with no bytes; the file appears on the disk with the first byte."""
        self.discard()
        self.identity = identity

    def open_at(self, offset: int) -> BinaryIO:
        """Open for writing after the first `offset` bytes; the rest is removed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._read_note().identity != self.identity:
            self._write_note(_Note(self.identity))
        file = self.path.open("r+b" if self.path.exists() else "w+b")
        file.truncate(offset)
        file.seek(offset)
        return file

    def complete_section(self, length: int) -> None:
        """Record that the file is complete up to `length` bytes."""
        self._write_note(_Note(self.identity, [*self.sections, length]))

    def discard(self) -> None:
        """Delete the file and its note."""
        self.path.unlink(missing_ok=True)
        self.remove_note()
        self.identity = ""

    def remove_note(self) -> None:
        """Delete the note, after the complete file has been moved away."""
        self._note_path.unlink(missing_ok=True)

    def _read_note(self) -> _Note:
        try:
            return msgspec.json.decode(self._note_path.read_bytes(), type=_Note)
        except (FileNotFoundError, msgspec.MsgspecError):
            return _Note("")

    def _write_note(self, note: _Note) -> None:
        self._note_path.write_bytes(msgspec.json.encode(note))
