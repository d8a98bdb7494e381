"""A file in an editor during a recorded session.

Text is kept in UTF-16 code units, so a character beyond U+FFFF is stored as its two halves.
Recordings and LSP both count in these units, so every offset is a plain index. JSON joins the
halves again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edit:
    """`text` replaces the text between `start` and `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """The same edit in the form of LSP: lines and characters count from 0."""

    start: Position
    end: Position
    text: str


class Buffer:
    """A file with its cursor; `version` counts the edits."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.cursor = 0
        self.version = 1

    def apply(self, edits: Sequence[Edit]) -> list[Change]:
        """Apply `edits`, whose offsets all refer to the text before the first of them.

        Returns the changes in an order in which they can be applied one by one.
        """
        changes = []
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
            start, end = self.position(edit.start), self.position(edit.end)
            changes.append(Change(start, end, edit.text))
            self.text = self.text[: edit.start] + edit.text + self.text[edit.end :]
        self.version += 1
        return changes

    def position(self, offset: int) -> Position:
        """The line and the character of `offset`."""
        line_start = self.text.rfind("\n", 0, offset) + 1
        return self.text.count("\n", 0, offset), offset - line_start

    def offset(self, position: Position) -> int:
        """The offset of a position inside the text."""
        line, character = position
        start = 0
        for _ in range(line):
            start = self.text.index("\n", start) + 1
        return start + character

    def rest_of_line(self, offset: int) -> str:
        """The text after `offset` on its line."""
        return self.text[offset:].partition("\n")[0].removesuffix("\r")


def to_utf16_units(text: str) -> str:
    """`text` with every character beyond U+FFFF as its two halves."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    halves = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(halves[i] | halves[i + 1] << 8) for i in range(0, len(halves), 2))


def from_utf16_units(text: str) -> str:
    """The opposite of `to_utf16_units`; a half without its other half becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
