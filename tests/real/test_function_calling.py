"""Function calling with the real model: each call is valid."""

import json
from typing import Any

import pytest

from copilotd.chat.service import ChatRequest, ChatService
from copilotd.chat.tool_calls.types import ToolChoice, ToolDefinition, ToolSet
from copilotd.config import ChatSection
from copilotd.config.live import Live
from copilotd.engine.local.client import EngineClient
from copilotd.engine.types import Chunk, Finished, Grammar, Sampling
from copilotd.errors import InvalidRequest
from copilotd.prompt.messages import ToolCall, UserMessage

pytestmark = pytest.mark.model

WEATHER = ToolDefinition(
    "get_weather",
    "The weather of a city, now.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city", "unit"],
    },
)
TIME = ToolDefinition("get_time", "The time in a city.", {"type": "object", "properties": {}})


async def answer(
    engine: EngineClient, question: str, **options: Any
) -> tuple[str, list[ToolCall], str]:
    chat = ChatService(engine, Live(ChatSection()))
    request = ChatRequest((UserMessage(question),), sampling=Sampling(), **options)
    text, calls, reason = "", list[ToolCall](), ""
    async for event in chat.stream_events(request):
        match event:
            case ToolCall():
                calls.append(event)
            case Chunk():
                text += event.text
            case Finished():
                reason = event.reason
    return text, calls, reason


async def test_a_question_that_a_tool_can_answer_makes_a_valid_call(engine: EngineClient) -> None:
    tools = ToolSet((WEATHER, TIME))
    text, [call], reason = await answer(engine, "What is the weather in Paris?", tools=tools)
    assert (text.strip(), call.name, reason) == ("", "get_weather", "tool_calls")
    arguments = json.loads(call.arguments)
    assert arguments["city"] == "Paris" and arguments["unit"] in ("celsius", "fahrenheit")


async def test_a_required_call_is_made_for_any_question(engine: EngineClient) -> None:
    tools = ToolSet((TIME,), ToolChoice.REQUIRED, parallel=False)
    text, [call], reason = await answer(engine, "Say hello.", tools=tools)
    assert (text.strip(), call.name, call.arguments, reason) == ("", "get_time", "{}", "tool_calls")


async def test_an_answer_conforms_to_its_schema(engine: EngineClient) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    text, _, reason = await answer(engine, "Invent a person.", schema=schema)
    person = json.loads(text)
    assert set(person) == {"name", "age"} and isinstance(person["age"], int)
    assert reason == "stop"


async def test_an_answer_conforms_to_its_grammar(engine: EngineClient) -> None:
    grammar = Grammar('start: "yes" | "no"')
    text, _, _ = await answer(engine, "Is seven a prime number?", grammar=grammar)
    assert text in ("yes", "no")


async def test_an_invalid_grammar_is_refused(engine: EngineClient) -> None:
    with pytest.raises(InvalidRequest, match="the grammar cannot be used"):
        await answer(engine, "Hi", grammar=Grammar("start: nowhere"))
