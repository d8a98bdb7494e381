import asyncio
from typing import Any

import pytest

from tests.lsp.conftest import FakeDaemon
from tests.lsp.raw_client import TIMEOUT_S, URI, Json, RawClient

QUESTION: Json = {"messages": [{"role": "user", "content": "Why?"}]}


def edit_params(start: tuple[int, int], end: tuple[int, int], **others: Any) -> Json:
    places = [{"line": line, "character": column} for line, column in (start, end)]
    return {
        "textDocument": {"uri": URI},
        "range": {"start": places[0], "end": places[1]},
        "instruction": "Do it.",
        **others,
    }


async def test_a_cancelled_chat_stops_the_model(client: RawClient, daemon: FakeDaemon) -> None:
    await client.initialize()
    daemon.model.gate.clear()
    daemon.model.text = "Because."
    id, answer = client.send_request("copilotd/chat", QUESTION)
    await asyncio.wait_for(daemon.model.prompts.get(), TIMEOUT_S)
    client.notify("$/cancelRequest", {"id": id})
    response = await asyncio.wait_for(answer, TIMEOUT_S)
    assert response["error"]["code"] == -32800
    assert await asyncio.wait_for(daemon.model.ended.get(), TIMEOUT_S) == "cut off"


async def test_without_a_token_the_answer_is_not_streamed(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.text = "Because."
    result = await client.request("copilotd/chat", QUESTION)
    assert result["content"] == "Because."
    assert not [m for m in client.received if m["method"] == "$/progress"]


async def test_the_prompt_of_a_message_has_its_code_and_its_diagnostics(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    code = {"path": "a.py", "language": "python", "line": 4, "text": "x = 1\ny = '```'\n"}
    turn = {
        "role": "user",
        "content": "Really?",
        "command": "fix",
        "code": code,
        "diagnostics": ["y is not used"],
    }
    await client.request("copilotd/chat", {"messages": [turn]})
    prompt = await daemon.model.prompts.get()
    assert prompt.partition("<user>")[2] == (
        "`a.py`, lines 5 to 6:\n\n````python\nx = 1\ny = '```'\n````\n\n"
        "The editor reports:\n- y is not used\n\n"
        "Say in a sentence or two what is wrong with this code, then give it corrected.\n\n"
        "Really?</user><assistant>"
    )


async def test_the_next_prompt_begins_with_the_previous_one(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize()
    daemon.model.text = "Because."
    await client.request("copilotd/chat", QUESTION)
    more = [
        *QUESTION["messages"],
        {"role": "assistant", "content": "Because."},
        {"role": "user", "content": "And?"},
    ]
    await client.request("copilotd/chat", {"messages": more})
    first, second = await daemon.model.prompts.get(), await daemon.model.prompts.get()
    assert second.startswith(f"{first}Because.")


@pytest.mark.parametrize(
    ("method", "params", "named"),
    [
        ("copilotd/chat", {}, "messages"),
        ("copilotd/chat", {"messages": [{"role": "robot"}]}, "robot"),
        ("copilotd/chat", {"messages": [{"role": "user", "command": "sing"}]}, "sing"),
        ("copilotd/edit", {"textDocument": {"uri": URI}}, "range"),
        ("copilotd/edit", edit_params((0, 0), (0, 1), textDocument={"uri": "file:///no"}), "open"),
        ("copilotd/commitMessage", {"diff": 3}, "diff"),
        ("copilotd/commitMessage", None, "object"),
    ],
)
async def test_an_error_names_the_wrong_parameter(
    client: RawClient, method: str, params: Any, named: str
) -> None:
    await client.initialize()
    client.open_file("x = 1\n")
    error = await client.request_error(method, params)
    assert error["code"] == -32602
    assert named in error["message"]


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        (
            "copilotd/commitMessage",
            {"diff": " \n"},
            "there is no change to describe. Stage or change something first.",
        ),
        (
            "copilotd/edit",
            edit_params((0, 0), (0, 1), instruction=" "),
            "there is no instruction. Say what to do with the code.",
        ),
    ],
)
async def test_a_failure_says_the_cause_and_the_next_step(
    client: RawClient, method: str, params: Json, message: str
) -> None:
    await client.initialize()
    client.open_file("x = 1\n")
    error = await client.request_error(method, params)
    assert error == {"code": -32803, "message": message, "data": {"retry": False}}


async def test_an_edit_covers_whole_lines_and_counts_columns_in_the_negotiated_encoding(
    client: RawClient, daemon: FakeDaemon
) -> None:
    await client.initialize(general={"positionEncodings": ["utf-16"]})
    daemon.model.text = "a = '😀'\n```"
    client.open_file("z = 0\nx = '😀'\ny = 2")
    result = await client.request("copilotd/edit", edit_params((1, 6), (1, 8)))
    assert result["range"] == {
        "start": {"line": 1, "character": 0},
        "end": {"line": 2, "character": 0},
    }
    assert (result["newText"], result["textDocument"]["version"]) == ("a = '😀'\n", 1)


async def test_a_file_that_gets_the_focus_is_prepared(
    client: RawClient, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    focused: list[str] = []
    await client.initialize()
    client.open_file("x = 1\n")
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    monkeypatch.setattr(
        daemon.completion, "on_focus", lambda document: focused.append(document.uri)
    )
    client.notify("textDocument/didFocus", {"textDocument": {"uri": URI}})
    await client.request("workspace/executeCommand", {"command": "copilotd.status"})
    assert focused == [URI]
