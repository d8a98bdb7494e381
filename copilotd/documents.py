"""Documents, and places in them.

Offsets and lengths in text count Unicode code points (indices of a Python `str`). Wire formats that
count otherwise convert at their edge.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of another file."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one open file; never changes, so a request can keep it while the user types.

    `uri` identifies it, `language` is the editor's language id (may be empty), `path` is the file
    name shown to the model, relative to the workspace where that is known. `snippets` are what a
    client sends along of other files, oldest first.
    """

    uri: str
    text: str
    language: str = ""
    version: int = 0
    path: str = ""
    snippets: tuple[Snippet, ...] = ()


def offset_at(text: str, name: str, line: int, column: int | None = None) -> int:
    """The place in code points of `text`, which is called `name`; without `column`, a line's end.

    Raises:
        ValueError: there is no such place; it says which there are.
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        raise ValueError(f"{name} has lines 1 to {len(lines)}, not {line}")
    width = len(lines[line - 1].removesuffix("\r"))
    column = width + 1 if column is None else column
    if not 1 <= column <= width + 1:
        raise ValueError(f"line {line} of {name} has columns 1 to {width + 1}")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1
