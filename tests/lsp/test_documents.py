import asyncio
import random
import re

import pytest
from lsprotocol import types

from copilotd.documents import Document
from copilotd.lsp.changes import Change, Identifier, Position, Range
from copilotd.lsp.documents import Documents, FileTooLarge, display_path
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


async def change(
    documents: Documents, *changes: Change, encoding: Encoding = Encoding.UTF16
) -> int | None:
    return await documents.change(Identifier(URI, 2), changes, encoding)


def replacement(start: tuple[int, int], end: tuple[int, int], text: str) -> Change:
    return Change(text, Range(Position(*start), Position(*end)))


def position_at(text: str, offset: int, encoding: Encoding) -> tuple[int, int]:
    """The position of an offset, found by splitting the text before it."""
    lines = re.split("\r\n|\r|\n", text[:offset])
    return len(lines) - 1, len(lines[-1].encode(CODECS[encoding])) // SIZES[encoding]


@pytest.mark.parametrize("encoding", Encoding)
async def test_a_file_follows_a_thousand_random_edits(encoding: Encoding) -> None:
    rng = random.Random(7)
    text = "def f():\n    return '😀'\n"
    documents = open_document(text)
    for _ in range(1000):
        # A cursor cannot stand between CR and LF.
        places = [at for at in range(len(text) + 1) if text[max(at - 1, 0) : at + 1] != "\r\n"]
        start, end = sorted(rng.choices(places, k=2))
        end = max(place for place in places if start <= place <= min(end, start + 5))
        inserted = "".join(rng.choices(["x", "é", "😀", "\n", "\r", "\r\n", "\x0c", ""], k=3))
        span = position_at(text, start, encoding), position_at(text, end, encoding)
        cursor = await change(documents, replacement(*span, inserted), encoding=encoding)
        text = text[:start] + inserted + text[end:]
        assert document(documents).text == text
        assert cursor == start + len(inserted)


async def test_several_changes_in_one_message_apply_in_order() -> None:
    documents = open_document("abc\n")
    cursor = await change(
        documents, replacement((0, 0), (0, 1), "XY"), replacement((0, 1), (0, 1), "XY")
    )
    assert document(documents) == Document(URI, "XXYYbc\n", "python", 2, "a.py")
    assert cursor is None


async def test_a_snapshot_does_not_change_with_the_file() -> None:
    documents = open_document("old")
    before = document(documents)
    assert await change(documents, Change("new")) is None
    assert (before.text, document(documents).text) == ("old", "new")


async def test_a_range_whose_ends_are_swapped_is_the_same_range() -> None:
    documents = open_document("one two three\n")
    await change(documents, replacement((0, 7), (0, 4), "2"))
    assert document(documents).text == "one 2 three\n"


async def test_a_replacement_of_many_places_lets_others_run_between_its_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("copilotd.event_loop.SLICE_S", 0.0)
    places = 500
    documents = open_document("value = 1\n" * places)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    await change(documents, *(replacement((at, 0), (at, 5), "x") for at in range(places)))
    counting.cancel()
    assert document(documents).text == "x = 1\n" * places
    assert turns >= places


async def test_messages_wait_for_a_replacement_of_many_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("copilotd.event_loop.SLICE_S", 0.0)
    documents = open_document("value = 1\n" * 50)
    replacing = asyncio.create_task(
        change(documents, *(replacement((at, 0), (at, 5), "x") for at in range(50)))
    )
    await asyncio.sleep(0)
    assert document(documents).text.startswith("value")
    await documents.settle()
    assert document(documents).text == "x = 1\n" * 50
    await replacing


async def test_a_file_that_is_too_large_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilotd.lsp.documents.MAX_CHARACTERS", 10)
    with pytest.raises(FileTooLarge):
        open_document("x" * 11)
    documents = open_document("x" * 10)
    with pytest.raises(FileTooLarge):
        await change(documents, replacement((0, 0), (0, 0), "x"))


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert document(open_document("a\ud83db")).text == "a\ufffdb"


async def test_a_closed_file_is_forgotten_and_its_changes_are_ignored() -> None:
    documents = open_document("x")
    documents.close(URI)
    assert await change(documents, Change("y")) is None
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
