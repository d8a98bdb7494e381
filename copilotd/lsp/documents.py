"""The open files of one editor, each as an immutable snapshot of its newest version.

pygls keeps documents too, but it splits lines at form feeds and the like, so every position below
such a character is wrong there. The handlers use this module instead.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.uris import to_fs_path

from copilotd.documents import Document
from copilotd.event_loop import Slices
from copilotd.lsp.changes import Change, Identifier, Position, replace_surrogates
from copilotd.lsp.lines import Lines
from copilotd.lsp.positions import Encoding

MAX_CHARACTERS = 2_000_000
"""A longer file is not followed: each keystroke in it would take the time of many others."""


@dataclass(frozen=True)
class Snapshot:
    """One version of an open file, which can convert positions to offsets and back."""

    document: Document
    lines: Lines = field(repr=False, compare=False)

    @classmethod
    def of(cls, document: Document) -> "Snapshot":
        """The snapshot of a document."""
        return cls(document, Lines(document.text))

    def offset_at(self, position: types.Position, encoding: Encoding) -> int:
        """The offset of a position."""
        return self.lines.offset_at(Position(position.line, position.character), encoding)

    def range(self, start: int, end: int, encoding: Encoding) -> types.Range:
        """The range between two offsets."""
        positions = (self.lines.position_at(offset, encoding) for offset in (start, end))
        first, last = (types.Position(at.line, at.character) for at in positions)
        return types.Range(first, last)


class FileTooLarge(Exception):
    """A file has more than MAX_CHARACTERS, so it is not followed."""


class Documents:
    """Follows the editor's changes to its open files.

    A replacement of many places takes a while, in slices. Messages that come after it must wait for
    it with `settle`.
    """

    def __init__(self) -> None:
        self._open: dict[str, Snapshot] = {}
        self._changing = asyncio.Lock()

    async def settle(self) -> None:
        """Wait until all changes are applied."""
        if self._changing.locked():
            async with self._changing:
                pass

    def get(self, uri: str) -> Snapshot | None:
        """The newest version of a file; None if it is not open."""
        return self._open.get(uri)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The newest version of each open file."""
        return tuple(self._open.values())

    def open(self, item: types.TextDocumentItem, folders: Iterable[str]) -> None:
        """Begin to follow a file. `folders` are the URIs of the workspace.

        Raises: FileTooLarge.
        """
        self._check_size(len(item.text))
        document = Document(
            uri=item.uri,
            text=replace_surrogates(item.text),
            language=item.language_id,
            version=item.version,
            path=display_path(item.uri, folders),
        )
        self._open[item.uri] = Snapshot.of(document)

    async def change(
        self, identifier: Identifier, changes: Sequence[Change], encoding: Encoding
    ) -> int | None:
        """Apply `changes` in order; return the probable offset of the cursor.

        The offset is known only after a single change of a part of the file, as typing makes it: it
        is the end of the inserted text. A file that is not open is ignored.

        Raises: FileTooLarge.
        """
        snapshot = self._open.get(identifier.uri)
        if snapshot is None:
            return None
        async with self._changing:
            lines = await _apply(snapshot.lines.copy(), changes, encoding)
        text = lines.join()
        self._check_size(len(text))
        version = identifier.version or snapshot.document.version
        document = replace(snapshot.document, text=text, version=version)
        self._open[identifier.uri] = Snapshot(document, lines)
        return _find_end(snapshot.lines, changes, encoding)

    def close(self, uri: str) -> None:
        """Stop following a file."""
        self._open.pop(uri, None)

    def close_all(self) -> None:
        """Stop following all files."""
        self._open.clear()

    @staticmethod
    def _check_size(size: int) -> None:
        if size > MAX_CHARACTERS:
            raise FileTooLarge


def display_path(uri: str, folders: Iterable[str]) -> str:
    """The name of a file for the model: relative to its workspace folder, or the bare name.

    It is empty for a document that was never saved. A cell of a notebook has the notebook's name
    without the ending, because the cell's own language counts and not the notebook's JSON.
    """
    path = _find_path(uri)
    if path is None:
        return ""
    roots = (PurePath(root) for folder in folders if (root := to_fs_path(folder)))
    relative = [path.relative_to(root) for root in roots if path.is_relative_to(root)]
    # The innermost of nested folders gives the shortest path.
    shortest = min(relative, key=lambda each: len(each.parts), default=None)
    return shortest.as_posix() if shortest else path.name


def _find_path(uri: str) -> PurePath | None:
    parts = urlsplit(uri)
    if parts.scheme == "untitled" and not parts.path.startswith("/"):
        return None
    path = PurePath(to_fs_path(uri) or unquote(parts.path).rpartition(":")[2])
    return path.with_suffix("") if parts.scheme == "vscode-notebook-cell" else path


async def _apply(lines: Lines, changes: Sequence[Change], encoding: Encoding) -> Lines:
    slices = Slices()
    for change in changes:
        text = replace_surrogates(change.text)
        if change.range is None:
            lines = Lines(text)
        else:
            lines.replace(change.range.start, change.range.end, text, encoding)
        await slices.pause()
    return lines


def _find_end(lines: Lines, changes: Sequence[Change], encoding: Encoding) -> int | None:
    """Where the inserted text ends after a single change of `lines`; None after others."""
    if len(changes) != 1 or changes[0].range is None:
        return None
    start = min(changes[0].range.start, changes[0].range.end)
    return lines.offset_at(start, encoding) + len(changes[0].text)
