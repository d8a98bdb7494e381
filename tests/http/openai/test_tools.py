"""Function calling and response formats at /v1/chat/completions."""

import json
from typing import Any

import pytest

from copilotd.engine.fake import FakeEngine
from tests.http.http_server import run_server

PATH = "/v1/chat/completions"
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}
QUESTION = {"role": "user", "content": "Weather?"}
ASK: dict[str, Any] = {"messages": [QUESTION], "tools": [WEATHER]}
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
OTHER = CALL.replace("Oslo", "Rome")


def plain(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls without their ids, which are new each time."""
    assert all(call.pop("id").startswith("call_") for call in calls)
    return calls


CALLED = {"type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
CALLED_TOO = {"type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}


async def test_a_call_has_openais_shape() -> None:
    async with run_server(FakeEngine(f"I look.\n{CALL}\n{OTHER}")) as server:
        response = await server.post(PATH, ASK)
    [choice] = response.json()["choices"]
    plain(choice["message"]["tool_calls"])
    assert choice == {
        "index": 0,
        "message": {"role": "assistant", "content": "I look.", "tool_calls": [CALLED, CALLED_TOO]},
        "logprobs": None,
        "finish_reason": "tool_calls",
    }


async def test_an_answer_that_is_only_a_call_has_no_content() -> None:
    async with run_server(FakeEngine(CALL)) as server:
        response = await server.post(PATH, ASK)
    message = response.json()["choices"][0]["message"]
    assert (message["content"], plain(message["tool_calls"])) == (None, [CALLED])


async def test_each_call_is_streamed_in_one_piece() -> None:
    async with run_server(FakeEngine(f"{CALL}{OTHER}")) as server:
        chunks = await server.stream(PATH, ASK, "chatcmpl")
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    assert plain(calls) == [{"index": 0, **CALLED}, {"index": 1, **CALLED_TOO}]
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert "".join(delta.get("content", "") for delta in deltas) == ""


async def test_calls_and_results_of_earlier_turns_reach_the_model() -> None:
    call = {"id": "call_1", "type": "function", "function": CALLED["function"]}
    history = [
        QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "20 C"},
    ]
    async with run_server(FakeEngine("Warm.")) as server:
        await server.post(PATH, {"messages": history})
        prompt = "".join(map(chr, server.engine.requests[0].prompt))
    body = '{"name": "weather", "arguments": {"city": "Oslo"}}'
    assert prompt == (
        f"<user>Weather?</user><assistant><tool_call>\n{body}\n</tool_call></assistant>"
        "<user><tool_response>\n20 C\n</tool_response></user><assistant>"
    )


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        ('{"city": "Oslo"', {"city": "Oslo"}),
        ("{'city': 'Oslo',}", {"city": "Oslo"}),
        ('["Oslo"]', {}),
        ("", {}),
    ],
)
async def test_broken_calls_in_the_history_are_repaired(
    broken: str, repaired: dict[str, str]
) -> None:
    call = {"id": "c", "function": {"name": "weather", "arguments": broken}}
    history = [QUESTION, {"role": "assistant", "tool_calls": [call]}]
    async with run_server(FakeEngine("Warm.")) as server:
        response = await server.post(PATH, {"messages": history})
        prompt = "".join(map(chr, server.engine.requests[0].prompt))
    assert response.status_code == 200
    assert json.dumps({"name": "weather", "arguments": repaired}) in prompt


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"type": "function", "function": {"name": "other"}}, "no tool is called other"),
        ("sometimes", "tool_choice"),
    ],
)
async def test_an_impossible_tool_choice_is_refused(choice: object, message: str) -> None:
    async with run_server() as server:
        response = await server.post(PATH, ASK | {"tool_choice": choice})
    assert response.status_code == 400
    assert message in response.json()["error"]["message"]


async def test_a_named_tool_is_the_only_one_that_can_be_called() -> None:
    time = {"type": "function", "function": {"name": "time"}}
    body = ASK | {
        "tools": [WEATHER, time],
        "tool_choice": {"type": "function", "function": {"name": "time"}},
    }
    async with run_server(FakeEngine('{"name": "time", "arguments": {}}')) as server:
        response = await server.post(PATH, body)
        grammar = server.engine.requests[0].grammar
    assert response.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert grammar is not None
    assert '"const": "time"' in grammar.text and "weather" not in grammar.text


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": PARAMETERS}}, PARAMETERS),
        ({"type": "json_object", "schema": PARAMETERS}, PARAMETERS),
    ],
)
async def test_a_response_format_becomes_a_grammar(
    form: dict[str, Any], schema: dict[str, Any]
) -> None:
    async with run_server(FakeEngine("{}")) as server:
        await server.post(PATH, {"messages": [QUESTION], "response_format": form})
        grammar = server.engine.requests[0].grammar
    assert grammar is not None
    text = grammar.text.removeprefix("start: %json ")
    assert {k: v for k, v in json.loads(text).items() if k != "x-guidance"} == schema


async def test_the_text_format_allows_any_text() -> None:
    async with run_server(FakeEngine("Hi")) as server:
        body = {"messages": [QUESTION], "response_format": {"type": "text"}}
        await server.post(PATH, body)
    assert server.engine.requests[0].grammar is None
