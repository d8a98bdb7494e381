import asyncio

import pytest

from copilotd.completion.types import Completion, CompletionRequest, Outcome, Shown
from copilotd.config import CompletionSection
from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import (
    INLINE,
    TIMEOUT_S,
    URI,
    Json,
    RawClient,
    completion_params,
    content_change,
)

LINE = "name = '😀é' + "


def encodings(*names: str) -> Json:
    return {"positionEncodings": list(names)}


def only_range(items: list[Json]) -> tuple[tuple[int, int], tuple[int, int]]:
    [item] = items
    start, end = item["range"]["start"], item["range"]["end"]
    return (start["line"], start["character"]), (end["line"], end["character"])


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 18), ("utf-16", 15), ("utf-32", 14)])
async def test_positions_use_the_negotiated_encoding(
    client: RawClient, daemon: FakeDaemon, encoding: str, column: int
) -> None:
    capabilities = await client.initialize(general=encodings(encoding))
    daemon.model.text = "suffix"
    client.open_file(f"# 😀\n{LINE}\nprint(name)\n")
    items = await client.request_ghost_text(1, column)
    assert capabilities["positionEncoding"] == encoding
    assert [item["insertText"] for item in items] == ["suffix"]
    assert only_range(items) == ((1, column), (1, column))
    assert LINE in await daemon.model.prompts.get()


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["utf-32", "utf-8"], "utf-32"), (["utf-7", "utf-8"], "utf-8"), ([], "utf-16")],
)
async def test_the_first_supported_encoding_of_the_client_is_used(
    client: RawClient, offered: list[str], chosen: str
) -> None:
    capabilities = await client.initialize(general=encodings(*offered))
    assert capabilities["positionEncoding"] == chosen


async def test_an_item_is_inserted_at_the_cursor_and_reports_its_acceptance(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.text = "(a, b):\n    return a + b"
    client.open_file("def add")
    [item] = await client.request_ghost_text(0, 7)
    [id] = item["command"].pop("arguments")
    place = {"line": 0, "character": 7}
    assert id
    assert item == {
        "insertText": "(a, b):\n    return a + b",
        "range": {"start": place, "end": place},
        "command": {"title": "Accept completion", "command": "copilotd.accept"},
    }


async def test_the_range_covers_an_auto_closed_bracket_that_the_text_repeats(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.text = "a, b):"
    client.open_file("😀 = 1\ndef add()")
    items = await client.request_ghost_text(1, 8)
    assert items[0]["insertText"] == "a, b):"
    assert only_range(items) == ((1, 8), (1, 9))


async def test_the_prompt_follows_incremental_edits(client: RawClient, daemon: FakeDaemon) -> None:
    await client.initialize()
    daemon.model.text = "x"
    client.open_file("one\f\r\ntwo\r\nthree\r\n")
    client.change_file(
        content_change((1, 0), (1, 3), "zwei 😀"), content_change((1, 7), (1, 7), "!")
    )
    client.change_file(content_change((2, 0), (3, 0), ""), version=3)
    client.change_file(content_change((1, 8), (1, 8), " = "), version=4)
    await client.request_ghost_text(1, 11)
    assert await daemon.model.prompts.get() == "<PRE><SUF>\r\n<MID>one\f\r\nzwei 😀! = "


async def test_a_request_is_answered_for_the_text_at_the_time_of_the_request(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.text = "world"
    client.open_file("hello = ")
    _, response = client.send_request(INLINE, completion_params(0, 8))
    client.change_file(content_change((0, 0), (0, 8), "bye = "))
    assert await daemon.model.prompts.get() == "<PRE><SUF><MID>hello = "
    await asyncio.wait_for(response, TIMEOUT_S)


async def test_a_newer_request_for_the_same_file_empties_the_older_one(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.gate.clear()
    daemon.model.text = "1"
    client.open_file("first = \nsecond = \n")
    _, older = client.send_request(INLINE, completion_params(0, 8))
    await daemon.model.prompts.get()
    _, newer = client.send_request(INLINE, completion_params(1, 9))
    await daemon.model.prompts.get()
    daemon.model.gate.set()
    assert (await asyncio.wait_for(older, TIMEOUT_S))["result"] == {"items": []}
    assert [i["insertText"] for i in (await newer)["result"]["items"]] == ["1"]
    assert [await daemon.model.ended.get() for _ in range(2)] == ["cut off", "finished"]


async def test_requests_for_two_files_do_not_affect_each_other(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.gate.clear()
    daemon.model.text = "1"
    other = "file:///w/b.py"
    client.open_file("first = ")
    client.open_file("second = ", uri=other)
    responses = [
        client.send_request(INLINE, completion_params(0, 8))[1],
        client.send_request(INLINE, completion_params(0, 9, other))[1],
    ]
    for _ in responses:
        await daemon.model.prompts.get()
    daemon.model.gate.set()
    results = [(await asyncio.wait_for(r, TIMEOUT_S))["result"]["items"] for r in responses]
    assert [[item["insertText"] for item in items] for items in results] == [["1"], ["1"]]


async def test_a_cancelled_request_frees_the_engine_and_gets_the_error_for_it(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.gate.clear()
    client.open_file("x = ")
    id, response = client.send_request(INLINE, completion_params(0, 4))
    await daemon.model.prompts.get()
    client.notify("$/cancelRequest", {"id": id})
    assert (await asyncio.wait_for(response, TIMEOUT_S))["error"]["code"] == -32800
    assert await asyncio.wait_for(daemon.model.ended.get(), TIMEOUT_S) == "cut off"


async def test_an_invoked_request_works_where_automatic_ones_are_disabled(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.settings.current = CompletionSection(debounce_ms=0, disabled_languages=["python"])
    daemon.model.text = "1"
    client.open_file("x = ")
    automatic = await client.request(INLINE, completion_params(0, 4, kind=2))
    by_hand = await client.request(INLINE, completion_params(0, 4, kind=1))
    assert (len(automatic["items"]), len(by_hand["items"])) == (0, 1)


async def test_a_file_that_is_not_open_has_no_completion(client: RawClient) -> None:
    await client.initialize()
    client.open_file("x = ")
    client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert await client.request_ghost_text(0, 4) == []


async def test_a_text_with_a_null_character_is_not_sent(
    client: RawClient, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def complete(request: CompletionRequest) -> Outcome:
        return Shown(Completion("id", "1\0", request.offset, request.offset), "")

    monkeypatch.setattr(daemon.completion, "complete", complete)
    await client.initialize()
    client.open_file("x = ")
    assert await client.request_ghost_text(0, 4) == []
