"""A chat whose model uses tools, seen from the editor."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from copilotd.paths import Paths
from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import TIMEOUT_S, Json, RawClient

QUESTION: Json = {
    "messages": [{"role": "user", "content": "Do it."}],
    "tools": True,
    "partialResultToken": "t",
}
ALLOWED = {"decision": "once"}


def render_call(name: str, **arguments: Any) -> str:
    """A call in the form in which the model writes it."""
    call = json.dumps({"name": name, "arguments": arguments})
    return f"<tool_call>\n{call}\n</tool_call>"


EDIT = render_call("apply_edit", path="a.py", old_text="x = 1", new_text="x = 2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text("# é😀\nx = 1\ny = 1\n")
    return tmp_path


@pytest.fixture
async def client(client: RawClient, folder: Path) -> RawClient:
    """A client whose workspace is `folder`."""
    opened = {"uri": folder.as_uri(), "name": "app"}
    params: Json = {"processId": None, "capabilities": {}, "workspaceFolders": [opened]}
    await client.request("initialize", {**params, "rootUri": None})
    client.notify("initialized", {})
    return client


def tool_results(client: RawClient) -> list[Json]:
    values = [m["params"]["value"] for m in client.received if m["method"] == "$/progress"]
    return [value["result"] for value in values if "result" in value]


def requests_to(client: RawClient, method: str) -> list[Any]:
    return [m["params"] for m in client.received if m["method"] == method]


async def test_an_edit_is_approved_and_then_applied_by_the_editor(
    client: RawClient, daemon: FakeDaemon, folder: Path
) -> None:
    daemon.model.first_texts, daemon.model.text = [EDIT], "Done."
    client.replies = {"copilotd/approve": ALLOWED, "workspace/applyEdit": {"applied": True}}
    answer = await client.request("copilotd/chat", QUESTION)
    assert answer["content"] == "Done."
    [question] = requests_to(client, "copilotd/approve")
    assert (question["tool"], question["title"]) == ("apply_edit", "Edit a.py")
    assert question["diff"].endswith("-x = 1\n+x = 2\n y = 1\n")
    [params] = requests_to(client, "workspace/applyEdit")
    [change] = params["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": (folder / "a.py").as_uri(), "version": None}
    places = {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 0}}
    assert change["edits"] == [{"range": places, "newText": "x = 2\n"}]
    assert tool_results(client)[0]["canUndo"]


async def test_an_edit_of_an_open_file_names_the_version_that_the_tool_has_read(
    client: RawClient, daemon: FakeDaemon, folder: Path
) -> None:
    client.open_file("x = 1\n", uri=(folder / "a.py").as_uri())
    daemon.model.first_texts = [EDIT]
    client.replies = {"copilotd/approve": ALLOWED, "workspace/applyEdit": {"applied": True}}
    await client.request("copilotd/chat", QUESTION)
    [params] = requests_to(client, "workspace/applyEdit")
    assert params["edit"]["documentChanges"][0]["textDocument"]["version"] == 1


@pytest.mark.parametrize(
    "reply",
    [{"decision": "deny"}, None, {"decision": "yes"}, "once", RuntimeError("unknown method")],
)
async def test_only_a_valid_approval_allows_a_change(
    client: RawClient, daemon: FakeDaemon, reply: Any
) -> None:
    daemon.model.first_texts, daemon.model.text = [EDIT], "Pity."
    client.replies = {"copilotd/approve": reply}
    answer = await client.request("copilotd/chat", QUESTION)
    assert answer["content"] == "Pity."
    assert requests_to(client, "workspace/applyEdit") == []
    assert tool_results(client)[0]["isFailure"]


async def test_an_edit_that_the_editor_refuses_is_a_failed_result(
    client: RawClient, daemon: FakeDaemon
) -> None:
    daemon.model.first_texts = [EDIT]
    refusal = {"applied": False, "failureReason": "It is locked."}
    client.replies = {"copilotd/approve": ALLOWED, "workspace/applyEdit": refusal}
    await client.request("copilotd/chat", QUESTION)
    [result] = tool_results(client)
    assert result["text"] == "The editor did not make the change. It is locked."
    assert (result["isFailure"], result["canUndo"]) == (True, False)


async def test_a_new_file_is_created_before_its_text_is_inserted(
    client: RawClient, daemon: FakeDaemon, folder: Path
) -> None:
    daemon.model.first_texts = [
        render_call("apply_edit", path="new.py", old_text="", new_text="z\n")
    ]
    client.replies = {"copilotd/approve": ALLOWED, "workspace/applyEdit": {"applied": True}}
    await client.request("copilotd/chat", QUESTION)
    [params] = requests_to(client, "workspace/applyEdit")
    create, change = params["edit"]["documentChanges"]
    assert create == {"kind": "create", "uri": (folder / "new.py").as_uri()}
    assert change["edits"][0]["newText"] == "z\n"


async def test_an_edit_can_be_undone_unless_the_file_has_changed_since(
    client: RawClient, daemon: FakeDaemon, folder: Path
) -> None:
    daemon.model.first_texts = [EDIT]
    client.replies = {"copilotd/approve": ALLOWED, "workspace/applyEdit": {"applied": True}}
    await client.request("copilotd/chat", QUESTION)
    undo = {"id": tool_results(client)[0]["id"]}
    error = await client.request_error("copilotd/undoEdit", undo)
    assert error["message"] == "a.py has changed since. Use the editor's own undo."
    (folder / "a.py").write_text("# é😀\nx = 2\ny = 1\n")
    assert await client.request("copilotd/undoEdit", undo) == {}
    change = requests_to(client, "workspace/applyEdit")[1]["edit"]["documentChanges"][0]
    assert change["edits"][0]["newText"] == "x = 1\n"
    assert (await client.request_error("copilotd/undoEdit", undo))["code"] == -32602


async def test_cancelling_a_chat_cancels_its_request_for_approval(
    client: RawClient, daemon: FakeDaemon
) -> None:
    daemon.model.first_texts = [EDIT]
    waits = asyncio.Event()
    client.replies = {"copilotd/approve": waits}
    id, answer = client.send_request("copilotd/chat", QUESTION)
    await asyncio.wait_for(waits.wait(), TIMEOUT_S)
    client.notify("$/cancelRequest", {"id": id})
    assert (await asyncio.wait_for(answer, TIMEOUT_S))["error"]["code"] == -32800
    [cancelled] = await client.wait_for_messages("$/cancelRequest", 1)
    [question] = [m for m in client.received if m["method"] == "copilotd/approve"]
    assert cancelled["id"] == question["id"]


async def test_the_diagnostics_tool_asks_the_editor(
    client: RawClient, daemon: FakeDaemon, folder: Path
) -> None:
    line = "a.py:1:1: error: no"
    daemon.model.first_texts = [render_call("diagnostics", path="a.py"), render_call("diagnostics")]
    client.replies = {"copilotd/diagnostics": {"diagnostics": [line]}}
    await client.request("copilotd/chat", QUESTION)
    assert [result["text"] for result in tool_results(client)] == [line, line]
    uris = [params["uri"] for params in requests_to(client, "copilotd/diagnostics")]
    assert uris == [(folder / "a.py").as_uri(), None]


async def test_the_next_prompt_repeats_the_tool_results(
    client: RawClient, daemon: FakeDaemon
) -> None:
    daemon.model.first_texts, daemon.model.text = [render_call("read_file", path="a.py")], "Read."
    answer = await client.request("copilotd/chat", QUESTION)
    more = [*QUESTION["messages"], *answer["messages"], {"role": "user", "content": "And?"}]
    await client.request("copilotd/chat", {**QUESTION, "messages": more})
    *_, second, third = [daemon.model.prompts.get_nowait() for _ in range(3)]
    assert third.startswith(f"{second}Read.")
    assert "x = 1" in third


async def test_calls_of_the_clients_own_tools_are_returned_and_not_run(
    client: RawClient, daemon: FakeDaemon
) -> None:
    own = {"name": "weather", "description": "", "parameters": {"type": "object"}}
    daemon.model.text = render_call("weather", city="Oslo")
    answer = await client.request("copilotd/chat", {**QUESTION, "tools": [own]})
    [message] = answer["messages"]
    assert [(c["name"], c["arguments"]) for c in message["calls"]] == [
        ("weather", '{"city": "Oslo"}')
    ]
    assert answer["finishReason"] == "tool_calls"


async def test_every_call_is_recorded(client: RawClient, daemon: FakeDaemon, paths: Paths) -> None:
    daemon.model.first_texts = [
        render_call("read_file", path="../x"),
        render_call("read_file", path="a.py"),
    ]
    await client.request("copilotd/chat", QUESTION)
    lines = [json.loads(line) for line in paths.audit.read_text().splitlines()]
    assert [line["outcome"][:6] for line in lines] == ["failed", "done"]
