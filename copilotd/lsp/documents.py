"""The open files of one editor, each as an immutable snapshot of its newest version.

pygls keeps documents too, but it splits lines at form feeds and the like, so that every position
below one would be wrong; this is what the handlers use instead.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath

from lsprotocol import types
from pygls.uris import to_fs_path

from copilotd.documents import Document
from copilotd.lsp.positions import Encoding, Lines

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Snapshot:
    """One version of an open file, and where its lines begin."""

    document: Document

    @cached_property
    def lines(self) -> Lines:
        """The line index; made when first asked for."""
        return Lines(self.document.text)

    def range(self, start: int, end: int, encoding: Encoding) -> types.Range:
        """The range between two offsets."""
        places = (self.lines.position(offset, encoding) for offset in (start, end))
        first, last = (types.Position(line, column) for line, column in places)
        return types.Range(first, last)


class Documents:
    """Follows what the editor does to its files."""

    def __init__(self) -> None:
        self._open: dict[str, Snapshot] = {}

    def get(self, uri: str) -> Snapshot | None:
        """The file's newest version; None if it is not open."""
        return self._open.get(uri)

    def all(self) -> tuple[Snapshot, ...]:
        """The newest version of each."""
        return tuple(self._open.values())

    def open(self, item: types.TextDocumentItem, folders: Iterable[str]) -> None:
        """Begin to follow a file; `folders` are the URIs of the workspace."""
        document = Document(
            uri=item.uri,
            text=_without_surrogates(item.text),
            language=item.language_id,
            version=item.version,
            path=path_shown(item.uri, folders),
        )
        self._open[item.uri] = Snapshot(document)

    def change(
        self,
        identifier: types.VersionedTextDocumentIdentifier,
        changes: Sequence[types.TextDocumentContentChangeEvent],
        encoding: Encoding,
    ) -> int | None:
        """Apply `changes` one after the other; a file that is not open is ignored.

        Where there is one change of a part, as typing makes it, the offset behind what it put in.
        """
        snapshot = self._open.get(identifier.uri)
        if snapshot is None:
            return None
        behind = None
        for change in changes:
            text, behind = _changed(snapshot, change, encoding)
            document = replace(snapshot.document, text=text, version=identifier.version)
            snapshot = Snapshot(document)
        self._open[identifier.uri] = snapshot
        return behind if len(changes) == 1 else None

    def close(self, uri: str) -> None:
        """Forget a file."""
        self._open.pop(uri, None)


def path_shown(uri: str, folders: Iterable[str]) -> str:
    """The name of a file for the model: relative to its workspace folder, else the bare name."""
    path = PurePath(to_fs_path(uri) or uri.rpartition(":")[2])
    roots = (PurePath(root) for folder in folders if (root := to_fs_path(folder)))
    inside = [path.relative_to(root) for root in roots if path.is_relative_to(root)]
    # The innermost of nested folders gives the shortest path.
    shortest = min(inside, key=lambda relative: len(relative.parts), default=None)
    return shortest.as_posix() if shortest else path.name


def _changed(
    snapshot: Snapshot, change: types.TextDocumentContentChangeEvent, encoding: Encoding
) -> tuple[str, int | None]:
    inserted = _without_surrogates(change.text)
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return inserted, None
    start, end = (
        snapshot.lines.offset(place.line, place.character, encoding)
        for place in (change.range.start, change.range.end)
    )
    text = snapshot.document.text
    return text[:start] + inserted + text[end:], start + len(inserted)


def _without_surrogates(text: str) -> str:
    """JSON can carry half a character, which no encoding can; it counts as one unit either way."""
    return _SURROGATE.sub("\ufffd", text)
