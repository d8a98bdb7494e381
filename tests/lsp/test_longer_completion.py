"""A piece of a suggestion, and the news that more of it is written."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from copilotd.completion.service import CompletionService
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.lsp.listener import LspListener
from copilotd.paths import Paths
from tests.completion.test_generation import PieceByPiece
from tests.lsp.conftest import build_services
from tests.lsp.raw_client import URI, WITHIN_S, RawClient, edit

LONGER = "copilotd/longerCompletion"


@pytest.fixture
def engine() -> PieceByPiece:
    return PieceByPiece("foo", "bar")


@pytest.fixture
async def client(engine: PieceByPiece, paths: Paths) -> AsyncIterator[RawClient]:
    """An editor in whose file `foo` was offered behind `x = ` and more is being written."""
    completion = CompletionService(
        engine, Live(CompletionSection(debounce_ms=0, target_ms=1, anticipate=False))
    )
    listener = LspListener(build_services(engine, completion, paths))
    client = await RawClient.connect(await listener.start(paths))
    await client.begin(textDocument={"inlineCompletion": {}})
    client.open("x = ")
    engine.write()
    assert [item["insertText"] for item in await client.ghost_text(0, 4)] == ["foo"]
    yield client
    await client.leave()
    await listener.close()


async def test_the_editor_hears_of_more_and_gets_it_when_it_asks(
    client: RawClient, engine: PieceByPiece
) -> None:
    engine.write()
    [told] = await client.messages(LONGER, 1)
    assert told == {"textDocument": {"uri": URI, "version": 1}}
    assert [item["insertText"] for item in await client.ghost_text(0, 4)] == ["foobar"]


async def test_an_editor_whose_file_has_changed_does_not(
    client: RawClient, engine: PieceByPiece
) -> None:
    client.change(edit((0, 4), (0, 4), "f"))
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    engine.write()
    await asyncio.wait_for(engine.written.wait(), WITHIN_S)
    assert [item["insertText"] for item in await client.ghost_text(0, 5)] == ["oobar"]
    assert not [m for m in client.received if m["method"] == LONGER]
