"""How a model is told of its tools, and what it calls."""

import json
import re
from typing import Any

import pytest
from llguidance import LLMatcher
from msgspec.structs import replace

from copilotd.chat.service import ChatRequest, ChatService
from copilotd.chat.tool_calls.formats import HERMES, LLAMA_3, MISTRAL, CallFormat, detect_format
from copilotd.chat.tool_calls.grammar import (
    PROSE_GRAMMAR,
    MarkSymbols,
    build_call_grammar,
    build_schema_grammar,
)
from copilotd.chat.tool_calls.messages import adapt_to_template
from copilotd.chat.tool_calls.types import ToolChoice, ToolDefinition, ToolSet
from copilotd.config import ChatSection
from copilotd.config.live import Live
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import Chunk, Finished, ModelInfo
from copilotd.prompt.chat import render_chat
from copilotd.prompt.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResult,
    UserMessage,
)

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
    "required": ["city"],
}
WEATHER = ToolDefinition("weather", "The weather of a city.", CITY)
TIME = ToolDefinition("time", "The time.")
CALL = ToolCall("call_1", "weather", '{"city": "Paris"}')

DEFINITIONS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather of a city.",
            "parameters": CITY,
        },
    }
]


@pytest.mark.parametrize(
    ("template", "call_format"),
    [
        ("... <tool_call> ...", HERMES),
        ("... [TOOL_CALLS] ...", MISTRAL),
        ('... {"name": ..., "parameters": ...} ...', LLAMA_3),
        ("{{ messages }}", HERMES),
    ],
)
def test_the_template_shows_the_format_of_calls(template: str, call_format: CallFormat) -> None:
    assert detect_format(replace(FAKE_MODEL, chat_template=template)) == call_format


@pytest.mark.parametrize("call_format", [HERMES, LLAMA_3, MISTRAL])
@pytest.mark.parametrize("choice", [ToolChoice.AUTO, ToolChoice.REQUIRED])
@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("schema", [None, {"type": "object"}])
def test_every_grammar_for_calls_is_valid(
    call_format: CallFormat, choice: ToolChoice, parallel: bool, schema: dict[str, Any] | None
) -> None:
    marks = MarkSymbols('"<tool_call>"', '"</tool_call>"')
    grammar = build_call_grammar(
        ToolSet((WEATHER, TIME), choice, parallel), call_format, marks, schema
    )
    assert LLMatcher.validate_grammar(grammar.text) == ""


@pytest.mark.parametrize(
    ("text", "is_prose"),
    [
        ("It is 3.\n\n```\n{}\n```", True),
        ('{"name": 1}', False),
        ("<tool_call>", False),
        ("", False),
    ],
)
def test_the_grammar_for_prose_excludes_the_beginning_of_a_call(text: str, is_prose: bool) -> None:
    assert is_prose is bool(text and re.fullmatch(PROSE_GRAMMAR.text.partition("/")[2][:-1], text))
    assert LLMatcher.validate_grammar(PROSE_GRAMMAR.text) == ""


def test_a_schema_with_an_unsupported_keyword_is_accepted_with_a_warning() -> None:
    schema = {"type": "array", "uniqueItems": True, "items": {"type": "integer"}}
    is_error, messages = LLMatcher.validate_grammar_with_warnings(build_schema_grammar(schema).text)
    assert not is_error and messages


@pytest.mark.parametrize("others", [(), (WEATHER,)])
def test_a_schema_may_refer_to_its_own_definitions(others: tuple[ToolDefinition, ...]) -> None:
    place = {"type": "object", "properties": {"city": {"type": "string"}}}
    schema = {
        "type": "object",
        "properties": {"at": {"$ref": "#/$defs/Place"}},
        "$defs": {"Place": place},
    }
    tools = ToolSet((ToolDefinition("go to", "", schema), *others))
    grammar = build_call_grammar(
        tools, HERMES, MarkSymbols('"<tool_call>"', '"</tool_call>"'), None
    )
    assert LLMatcher.validate_grammar(grammar.text) == ""


def read_by_template(info: ModelInfo, history: list[Message]) -> list[dict[str, Any]]:
    """The messages as the model's template sees them; it lists the tools."""
    dump = replace(
        info, chat_template=f"{info.chat_template}{{{{ messages | tojson }}}}{{# tools #}}"
    )
    messages, _ = adapt_to_template(dump, history, [WEATHER])
    [text] = render_chat(dump, messages)
    assert isinstance(text, str)
    seen: list[dict[str, Any]] = json.loads(text[text.rindex('[{"role') :])
    return seen


def test_a_template_that_lists_tools_gets_definitions_calls_and_results() -> None:
    info = replace(FAKE_MODEL, chat_template="{{ tools }}")
    history: list[Message] = [
        UserMessage("Hi"),
        AssistantMessage("", (CALL,)),
        ToolResult("20 C", "call_1"),
    ]
    messages, definitions = adapt_to_template(info, history, [WEATHER])
    function = {"name": "weather", "arguments": {"city": "Paris"}}
    assert definitions == DEFINITIONS
    assert messages == history
    assert read_by_template(info, history) == [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "20 C", "tool_call_id": "call_1"},
    ]


def test_a_template_reads_the_name_of_the_tool_if_it_is_known() -> None:
    [result] = read_by_template(FAKE_MODEL, [ToolResult("20 C", "call_1", "weather")])
    assert result == {
        "role": "tool",
        "content": "20 C",
        "tool_call_id": "call_1",
        "name": "weather",
    }


def test_a_template_that_does_not_list_tools_gets_them_as_text() -> None:
    history: list[Message] = [
        UserMessage("Hi"),
        AssistantMessage("I look.", (CALL,)),
        ToolResult("20 C", "call_1"),
    ]
    messages, definitions = adapt_to_template(FAKE_MODEL, history, [WEATHER])
    assert definitions == []
    assert isinstance(messages[0], SystemMessage)
    assert json.dumps(DEFINITIONS[0]) in messages[0].content
    assert messages[1:] == [
        UserMessage("Hi"),
        AssistantMessage(
            'I look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n'
            "</tool_call>",
        ),
        UserMessage("<tool_response>\n20 C\n</tool_response>"),
    ]


def test_mistrals_templates_get_ids_of_nine_characters() -> None:
    info = replace(FAKE_MODEL, chat_template="{{ tools }} [TOOL_CALLS]")
    history: list[Message] = [AssistantMessage("", (CALL,)), ToolResult("20 C", "call_1")]
    call, result = read_by_template(info, history)
    id = result["tool_call_id"]
    function = {"name": "weather", "arguments": {"city": "Paris"}}
    assert call["tool_calls"] == [{"id": id, "type": "function", "function": function}]
    assert len(str(id)) == 9


async def answer(engine: FakeEngine, request: ChatRequest) -> list[str]:
    """The texts, the calls and the finish reason, as strings."""
    chat = ChatService(engine, Live(ChatSection(system_prompt="")), create_id=lambda: "call_2")
    events = [event async for event in chat.stream_events(request)]
    return [
        event.reason
        if isinstance(event, Finished)
        else f"{event.name} {event.arguments}"
        if isinstance(event, ToolCall)
        else event.text
        for event in events
        if not isinstance(event, Chunk) or event.text
    ]


REQUEST = ChatRequest((UserMessage("Weather?"),), tools=ToolSet((WEATHER,)))


async def test_an_answer_with_a_call_finishes_with_tool_calls() -> None:
    engine = FakeEngine('<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}')
    assert await answer(engine, REQUEST) == ['weather {"city": "Oslo"}', "tool_calls"]
    grammar = engine.requests[0].grammar
    assert grammar is not None and grammar.triggers == HERMES.triggers


async def test_an_answer_cut_off_after_a_call_finishes_with_length() -> None:
    engine = FakeEngine('<tool_call>{"name": "weather", "arguments": {}}</tool_call> And more')
    request = ChatRequest(REQUEST.messages, max_tokens=60, tools=REQUEST.tools)
    assert (await answer(engine, request))[-1] == "length"


async def test_a_repeated_call_ends_the_answer() -> None:
    calls = [
        f'<tool_call>{{"name": "weather", "arguments": {{"city": "{city}"}}}}</tool_call>\n'
        for city in ("Oslo", "Rome", "Oslo")
    ]
    engine = FakeEngine("".join(calls) + "and so on" * 100)
    assert await answer(engine, REQUEST) == [
        'weather {"city": "Oslo"}',
        'weather {"city": "Rome"}',
        "tool_calls",
    ]
    assert engine.cancelled == 1


async def test_a_required_call_begins_in_the_prompt() -> None:
    engine = FakeEngine('{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>')
    request = ChatRequest(REQUEST.messages, tools=ToolSet((WEATHER,), ToolChoice.REQUIRED))
    assert await answer(engine, request) == ['weather {"city": "Oslo"}', "tool_calls"]
    prompt = "".join(map(chr, engine.requests[0].prompt))
    assert prompt.endswith("<assistant><tool_call>\n")
    grammar = engine.requests[0].grammar
    assert grammar is not None and grammar.triggers == []


async def test_without_tool_choice_the_prompt_does_not_list_the_tools() -> None:
    engine = FakeEngine('<tool_call>{"name": "weather", "arguments": {}}')
    request = ChatRequest(REQUEST.messages, tools=ToolSet((WEATHER,), ToolChoice.NONE))
    assert "".join(await answer(engine, request)).endswith("}}stop")
    assert "".join(map(chr, engine.requests[0].prompt)) == "<user>Weather?</user><assistant>"
    assert engine.requests[0].grammar is None
