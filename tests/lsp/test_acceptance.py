from typing import Any

import pytest

from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import Json, RawClient, content_change

BODY = "(a, b):\n    return a + b"


@pytest.fixture
async def item(client: RawClient, daemon: FakeDaemon) -> Json:
    """An offered item with the text BODY after `def add`."""
    await client.initialize()
    daemon.model.text = BODY
    client.open_file("def add")
    [item] = await client.request_ghost_text(0, 7)
    return item


def id_of(item: Json) -> str:
    return str(item["command"]["arguments"][0])


@pytest.fixture
def feedback(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The feedback that the service gets, in order."""
    calls: list[tuple[Any, ...]] = []
    for name in ("accept", "reject", "mark_drawn"):
        real = getattr(daemon.completion, name)

        def record(*arguments: Any, name: str = name, real: Any = real) -> None:
            calls.append((name, *arguments))
            real(*arguments)

        monkeypatch.setattr(daemon.completion, name, record)
    return calls


async def test_the_command_of_an_item_accepts_it(
    client: RawClient, item: Json, feedback: list[tuple[Any, ...]], daemon: FakeDaemon
) -> None:
    assert await client.request("workspace/executeCommand", item["command"]) is None
    assert feedback == [("accept", id_of(item))]
    assert daemon.stats().accepted == 1


async def test_a_rejection_reaches_the_service(
    client: RawClient, item: Json, feedback: list[tuple[Any, ...]], daemon: FakeDaemon
) -> None:
    command = {"command": "copilotd.reject", "arguments": [id_of(item)]}
    await client.request("workspace/executeCommand", command)
    assert feedback == [("reject", id_of(item))]
    assert daemon.stats().rejected == 1


@pytest.mark.parametrize("arguments", [[], [1], ["a", "b"], None])
async def test_a_command_without_an_id_is_refused(client: RawClient, arguments: Any) -> None:
    await client.initialize()
    params = {"command": "copilotd.accept", "arguments": arguments}
    error = await client.request_error("workspace/executeCommand", params)
    assert error["code"] == -32602
    assert "the id of a completion" in error["message"]


async def test_a_drawn_completion_reaches_the_service(
    client: RawClient, item: Json, feedback: list[tuple[Any, ...]]
) -> None:
    client.notify("textDocument/didShowCompletion", {"item": item})
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert feedback == [("mark_drawn", id_of(item))]


async def test_a_partial_acceptance_counts_utf_16_units_of_the_text(
    client: RawClient, daemon: FakeDaemon, feedback: list[tuple[Any, ...]]
) -> None:
    await client.initialize(general={"positionEncodings": ["utf-8"]})
    daemon.model.text = "'😀' * 3"
    client.open_file("x = ")
    [item] = await client.request_ghost_text(0, 4)
    method = "textDocument/didPartiallyAcceptCompletion"
    client.notify(method, {"item": item, "acceptedLength": 4})
    client.notify(method, {"item": {"command": item["command"]}, "acceptedLength": 6})
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert feedback == [("accept", id_of(item), 3), ("accept", id_of(item), 5)]


@pytest.mark.parametrize(
    "params", [None, {}, {"item": {}}, {"item": {"command": {"arguments": [3]}}}, {"item": 1}]
)
async def test_a_notification_about_an_unknown_item_is_ignored(
    client: RawClient, feedback: list[tuple[Any, ...]], params: Any
) -> None:
    await client.initialize()
    for method in ("didShowCompletion", "didPartiallyAcceptCompletion", "didFocus"):
        client.notify(f"textDocument/{method}", params)
    assert await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert feedback == []


@pytest.mark.parametrize(
    "changes",
    [
        [content_change((0, 7), (0, 7), BODY)],
        [content_change((0, 4), (0, 7), ""), content_change((0, 4), (0, 4), "add" + BODY)],
        [content_change((0, 7), (0, 7), BODY.replace("\n", "\r\n"))],
        [{"text": "def add" + BODY}],
    ],
    ids=["inserted", "word replaced", "other line ends", "whole file sent"],
)
async def test_an_edit_that_inserts_the_item_accepts_it_once(
    client: RawClient, item: Json, feedback: list[tuple[Any, ...]], changes: list[Json]
) -> None:
    client.change_file(*changes)
    client.change_file({"text": "def add" + BODY}, version=3)
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert feedback == [("accept", id_of(item))]


async def test_the_edit_and_the_command_together_count_once(
    client: RawClient, item: Json, daemon: FakeDaemon
) -> None:
    client.change_file(content_change((0, 7), (0, 7), BODY))
    await client.request("workspace/executeCommand", item["command"])
    assert daemon.stats().accepted == 1


@pytest.mark.parametrize(
    "changes",
    [
        [content_change((0, 7), (0, 7), "(a, b)")],
        [content_change((0, 0), (0, 0), BODY)],
        [content_change((0, 7), (0, 7), letter) for letter in reversed(BODY)],
    ],
    ids=["a part", "elsewhere", "typed by hand"],
)
async def test_any_other_edit_accepts_nothing(
    client: RawClient, item: Json, feedback: list[tuple[Any, ...]], changes: list[Json]
) -> None:
    client.change_file(*changes)
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert feedback == []


async def test_the_status_command_returns_the_daemons_status_as_json(
    client: RawClient, item: Json
) -> None:
    status = await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert status["state"] == {"phase": "ready", "detail": "", "fraction": None}
    assert status["completion"] == {
        "requests": 1,
        "shown": 1,
        "cache_hits": 0,
        "cancelled": 0,
        "accepted": 0,
        "rejected": 0,
        "read_ahead_tokens": 0,
    }
