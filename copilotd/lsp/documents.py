"""The open files of one editor, each as an immutable snapshot of its newest version.

pygls keeps documents too, but it splits lines at form feeds and the like, so every position below
such a character is wrong there. The handlers use this module instead.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.uris import to_fs_path

from copilotd.documents import Document
from copilotd.lsp.positions import Encoding, LineIndex

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Snapshot:
    """One version of an open file, which can convert positions to offsets and back."""

    document: Document

    @cached_property
    def lines(self) -> LineIndex:
        """The line index; built at its first use."""
        return LineIndex(self.document.text)

    def offset_at(self, position: types.Position, encoding: Encoding) -> int:
        """The offset of a position."""
        return self.lines.offset_at(position.line, position.character, encoding)

    def range(self, start: int, end: int, encoding: Encoding) -> types.Range:
        """The range between two offsets."""
        positions = (self.lines.position_at(offset, encoding) for offset in (start, end))
        first, last = (types.Position(line, column) for line, column in positions)
        return types.Range(first, last)


class Documents:
    """Follows the editor's changes to its open files."""

    def __init__(self) -> None:
        self._open: dict[str, Snapshot] = {}

    def get(self, uri: str) -> Snapshot | None:
        """The newest version of a file; None if it is not open."""
        return self._open.get(uri)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The newest version of each open file."""
        return tuple(self._open.values())

    def open(self, item: types.TextDocumentItem, folders: Iterable[str]) -> None:
        """Begin to follow a file. `folders` are the URIs of the workspace."""
        document = Document(
            uri=item.uri,
            text=replace_surrogates(item.text),
            language=item.language_id,
            version=item.version,
            path=display_path(item.uri, folders),
        )
        self._open[item.uri] = Snapshot(document)

    def change(
        self,
        identifier: types.VersionedTextDocumentIdentifier,
        changes: Sequence[types.TextDocumentContentChangeEvent],
        encoding: Encoding,
    ) -> int | None:
        """Apply `changes` in order; return the probable offset of the cursor.

        The offset is known only after a single change of a part of the file, as typing makes it: it
        is the end of the inserted text. A file that is not open is ignored.
        """
        snapshot = self._open.get(identifier.uri)
        if snapshot is None:
            return None
        cursor = None
        for change in changes:
            text, cursor = _apply_change(snapshot, change, encoding)
            document = replace(snapshot.document, text=text, version=identifier.version)
            snapshot = Snapshot(document)
        self._open[identifier.uri] = snapshot
        return cursor if len(changes) == 1 else None

    def close(self, uri: str) -> None:
        """Stop following a file."""
        self._open.pop(uri, None)


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


def _apply_change(
    snapshot: Snapshot, change: types.TextDocumentContentChangeEvent, encoding: Encoding
) -> tuple[str, int | None]:
    inserted = replace_surrogates(change.text)
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return inserted, None
    start = snapshot.offset_at(change.range.start, encoding)
    end = snapshot.offset_at(change.range.end, encoding)
    text = snapshot.document.text
    return text[:start] + inserted + text[end:], start + len(inserted)


def replace_surrogates(text: str) -> str:
    """Replace each half of a surrogate pair: JSON can carry it, but no encoding can."""
    return _SURROGATE.sub("\ufffd", text)
