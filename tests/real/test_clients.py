"""Client libraries of other servers chat, stream and call tools with the daemon and the model."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai
import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

QUESTION = "What is the weather in Paris?"
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
FUNCTION: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather of a city, now.",
    "parameters": PARAMETERS,
}
TOOL: dict[str, Any] = {"type": "function", "function": FUNCTION}
PARIS = {"city": "Paris"}
RESULT = '{"sky": "clear", "celsius": 31}'


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path) as running:
        yield running


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{daemon.url}/v1", api_key="any") as client:
        yield client


def test_openais_client_calls_a_tool_and_reads_its_result(client: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    options: Any = {"model": "any", "tools": [TOOL], "temperature": 0}
    first = client.chat.completions.create(messages=messages, **options).choices[0]
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls or []
    assert isinstance(call, openai.types.chat.ChatCompletionMessageFunctionToolCall)
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", PARIS)
    messages.append(first.message.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": RESULT})
    with client.chat.completions.create(
        model="any", messages=messages, temperature=0, tools=[], stream=True
    ) as stream:
        answer = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "31" in answer


def test_openais_client_parses_a_structured_answer(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"answer": {"enum": ["yes", "no"]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    made = client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": "Is Python compiled to bytecode?"}],
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    )
    assert json.loads(made.choices[0].message.content or "")["answer"] in ("yes", "no")


def test_openais_responses_api_calls_a_function(client: openai.OpenAI) -> None:
    tool: Any = {"type": "function", "strict": True, **FUNCTION}
    made = client.responses.create(model="any", input=QUESTION, tools=[tool], temperature=0)
    [call] = [item for item in made.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", PARIS)


def test_anthropics_client_calls_a_tool_while_it_streams(daemon: RunningDaemon) -> None:
    tool: Any = {
        "name": FUNCTION["name"],
        "description": FUNCTION["description"],
        "input_schema": PARAMETERS,
    }
    with (
        anthropic.Anthropic(base_url=daemon.url, api_key="any") as client,
        client.messages.stream(
            model="any",
            max_tokens=100,
            messages=[{"role": "user", "content": QUESTION}],
            tools=[tool],
            extra_body={"temperature": 0},
        ) as stream,
    ):
        message = stream.get_final_message()
    [call] = [block for block in message.content if block.type == "tool_use"]
    assert (call.name, call.input, message.stop_reason) == ("get_weather", PARIS, "tool_use")


def test_ollamas_client_calls_a_tool_and_fills_in_the_middle(daemon: RunningDaemon) -> None:
    question = [{"role": "user", "content": QUESTION}]
    before = "def add(a, b):\n    return "
    with ollama.Client(host=daemon.url, trust_env=False) as client:
        called = client.chat("any", question, tools=[TOOL], options={"temperature": 0})
        filled = client.generate("any", before, suffix="\n", options={"num_predict": 8})
    [call] = called.message.tool_calls or []
    assert (call.function.name, call.function.arguments) == ("get_weather", PARIS)
    assert (filled.response or "").strip().startswith("a + b")
