"""A partial completion, and the notification that there is more of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from copilotd.completion.service import CompletionService
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.lsp.listener import LspListener
from copilotd.paths import Paths
from tests.completion.test_generation import ManualEngine
from tests.lsp.conftest import build_services
from tests.lsp.raw_client import (
    INLINE,
    TIMEOUT_S,
    URI,
    RawClient,
    completion_params,
    content_change,
)

LONGER = "copilotd/longerCompletion"


@pytest.fixture
def engine() -> ManualEngine:
    return ManualEngine("first_of(1), ", "second(2)")


@pytest.fixture
async def client(engine: ManualEngine, paths: Paths) -> AsyncIterator[RawClient]:
    """An editor that was offered `first_of(1),` after `x = `, while the model is still writing."""
    completion = CompletionService(
        engine, Live(CompletionSection(debounce_ms=0, target_ms=1, anticipate=False))
    )
    listener = LspListener(build_services(engine, completion, paths))
    client = await RawClient.connect(await listener.start(paths))
    await client.initialize(textDocument={"inlineCompletion": {}})
    client.open_file("x = ")
    engine.write()
    assert [item["insertText"] for item in await client.request_ghost_text(0, 4)] == [
        "first_of(1),"
    ]
    yield client
    await client.shut_down()
    await listener.close()


async def test_the_editor_is_told_of_a_longer_completion_and_gets_it_on_request(
    client: RawClient, engine: ManualEngine
) -> None:
    engine.write()
    [params] = await client.wait_for_messages(LONGER, 1)
    assert params == {"textDocument": {"uri": URI, "version": 1}}
    assert [item["insertText"] for item in await client.request_ghost_text(0, 4)] == [
        "first_of(1), second(2)"
    ]


async def test_an_editor_whose_file_has_changed_is_not_told(
    client: RawClient, engine: ManualEngine
) -> None:
    client.change_file(content_change((0, 4), (0, 4), "f"))
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    engine.write()
    await asyncio.wait_for(engine.finished_writing.wait(), TIMEOUT_S)
    assert [item["insertText"] for item in await client.request_ghost_text(0, 5)] == [
        "irst_of(1), second(2)"
    ]
    assert not [m for m in client.received if m["method"] == LONGER]


async def test_a_piece_that_continues_a_selected_item_is_followed_too(
    client: RawClient, engine: ManualEngine
) -> None:
    params = completion_params(0, 4)
    end = {"line": 0, "character": 4}
    selected = {"range": {"start": end, "end": end}, "text": "a_selected_item("}
    params["context"]["selectedCompletionInfo"] = selected
    _, response = client.send_request(INLINE, params)
    await asyncio.wait_for(engine.generation_cancelled.wait(), TIMEOUT_S)
    engine.write()
    [item] = (await asyncio.wait_for(response, TIMEOUT_S))["result"]["items"]
    assert item["insertText"] == "a_selected_item(first_of(1),"
    engine.write()
    await client.wait_for_messages(LONGER, 1)
