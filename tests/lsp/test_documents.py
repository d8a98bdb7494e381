import random
from itertools import pairwise

import pytest
from lsprotocol import types

from copilotd.documents import Document
from copilotd.lsp.documents import Documents, display_path
from copilotd.lsp.positions import Encoding

CODECS = {Encoding.UTF8: "utf-8", Encoding.UTF16: "utf-16-le", Encoding.UTF32: "utf-32-le"}
SIZES = {Encoding.UTF8: 1, Encoding.UTF16: 2, Encoding.UTF32: 4}
URI = "file:///w/a.py"


def open_document(text: str, uri: str = URI) -> Documents:
    documents = Documents()
    documents.open(types.TextDocumentItem(uri, "python", 1, text), ["file:///w"])
    return documents


def document(documents: Documents, uri: str = URI) -> Document:
    snapshot = documents.get(uri)
    assert snapshot is not None
    return snapshot.document


def change(
    documents: Documents,
    *changes: types.TextDocumentContentChangeEvent,
    encoding: Encoding = Encoding.UTF16,
) -> None:
    identifier = types.VersionedTextDocumentIdentifier(version=2, uri=URI)
    documents.change(identifier, changes, encoding)


def position_at(text: str, offset: int, encoding: Encoding) -> types.Position:
    """The position of an offset, found by splitting the text before it."""
    lines = text[:offset].split("\n")
    column = len(lines[-1].encode(CODECS[encoding])) // SIZES[encoding]
    return types.Position(len(lines) - 1, column)


@pytest.mark.parametrize("encoding", Encoding)
def test_a_file_follows_a_thousand_random_edits(encoding: Encoding) -> None:
    rng = random.Random(7)
    text = "def f():\n    return '😀'\n"
    documents = open_document(text)
    for _ in range(1000):
        start, end = sorted(rng.choices(range(len(text) + 1), k=2))
        end = min(end, start + 5)
        inserted = "".join(rng.choices(["x", "é", "😀", "\n", "\x0c", ""], k=3))
        span = types.Range(position_at(text, start, encoding), position_at(text, end, encoding))
        change(documents, types.TextDocumentContentChangePartial(span, inserted), encoding=encoding)
        text = text[:start] + inserted + text[end:]
        assert document(documents).text == text


def test_several_changes_in_one_message_apply_in_order() -> None:
    documents = open_document("abc\n")
    spans = [
        types.Range(types.Position(0, a), types.Position(0, b)) for a, b in pairwise((0, 1, 1))
    ]
    first, second = (types.TextDocumentContentChangePartial(span, "XY") for span in spans)
    change(documents, first, second)
    assert document(documents) == Document(URI, "XXYYbc\n", "python", 2, "a.py")


def test_a_snapshot_does_not_change_with_the_file() -> None:
    documents = open_document("old")
    before = document(documents)
    change(documents, types.TextDocumentContentChangeWholeDocument("new"))
    assert (before.text, document(documents).text) == ("old", "new")


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert document(open_document("a\ud83db")).text == "a\ufffdb"


def test_a_closed_file_is_forgotten_and_its_changes_are_ignored() -> None:
    documents = open_document("x")
    documents.close(URI)
    change(documents, types.TextDocumentContentChangeWholeDocument("y"))
    assert documents.get(URI) is None


@pytest.mark.parametrize(
    ("uri", "folders", "name"),
    [
        ("file:///w/src/a.py", ["file:///w"], "src/a.py"),
        ("file:///w/my%20app/a.py", ["file:///w", "file:///w/my%20app"], "a.py"),
        ("file:///elsewhere/a.py", ["file:///w"], "a.py"),
        ("file:///w2/a.py", ["file:///w"], "a.py"),
        ("file:///w/a.py", [], "a.py"),
        ("untitled:Untitled-1", ["file:///w"], ""),
        ("untitled:/w/src/new%20one.py", ["file:///w"], "src/new one.py"),
        ("file://", ["file:///w"], ""),
        ("vscode-notebook-cell:/w/src/a.ipynb#W0sZmlsZQ%3D%3D", ["file:///w"], "src/a"),
        ("vscode-vfs://github/o/r/a.py?x", ["file:///w"], "a.py"),
    ],
)
def test_a_path_is_relative_to_the_innermost_folder_or_bare(
    uri: str, folders: list[str], name: str
) -> None:
    assert display_path(uri, folders) == name
