"""Documents and offsets in them.

Offsets and lengths in text count Unicode code points (indices of a Python `str`). A wire format
with other units converts at its edge.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of another file."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one open file; immutable, so a request can keep it while the user types.

    `uri` identifies it. `language` is the editor's language id; it may be empty. `path` is the file
    name that the model sees, relative to the workspace if that is known. `snippets` are pieces of
    other files that the client sent, oldest first.
    """

    uri: str
    text: str
    language: str = ""
    version: int = 0
    path: str = ""
    snippets: tuple[Snippet, ...] = ()


def offset_at(text: str, name: str, line: int, column: int | None = None) -> int:
    """Return the offset of `line` and `column` (both from 1); without `column`, of the line's end.

    `name` is the name of `text` in the error.

    Raises:
        ValueError: there is no such line or column; the text has the valid range.
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        raise ValueError(f"{name} has lines 1 to {len(lines)}, not {line}")
    width = len(lines[line - 1].removesuffix("\r"))
    column = width + 1 if column is None else column
    if not 1 <= column <= width + 1:
        raise ValueError(f"line {line} of {name} has columns 1 to {width + 1}")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1
