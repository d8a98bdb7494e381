import json
import re
from typing import Any

import pytest
from llguidance import LLMatcher
from msgspec.structs import replace

from copilotd.chat.service import ChatRequest, ChatService
from copilotd.chat.tool_calls.formats import LISTED, PLAIN, TAGGED, Notation, notation_of
from copilotd.chat.tool_calls.grammar import PROSE, Marks, of_calls, of_schema
from copilotd.chat.tool_calls.messages import for_template, resulted, said
from copilotd.chat.tool_calls.types import Choice, Tool, Toolbox
from copilotd.config import ChatSection
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import Chunk, Finished
from copilotd.prompt.messages import Message, ToolCall

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
    "required": ["city"],
}
WEATHER = Tool("weather", "The weather of a city.", CITY)
TIME = Tool("time", "The time.")
CALL = ToolCall("call_1", "weather", '{"city": "Paris"}')

NATIVE = (
    "{% for t in tools or [] %}[{{ t.function.name }}]{% endfor %}"
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ c.id }} {{ c.function.name }}"
    " {{ c.function.arguments | tojson }}{% endfor %}</{{ m.role }}>{% endfor %}"
)
SIGNATURES = [
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
    ("template", "notation"),
    [
        ("... <tool_call> ...", TAGGED),
        ("... [TOOL_CALLS] ...", LISTED),
        ('... {"name": ..., "parameters": ...} ...', PLAIN),
        ("{{ messages }}", TAGGED),
    ],
)
def test_the_template_tells_how_a_model_writes_a_call(template: str, notation: Notation) -> None:
    assert notation_of(replace(FAKE_MODEL, chat_template=template)) == notation


@pytest.mark.parametrize("notation", [TAGGED, PLAIN, LISTED])
@pytest.mark.parametrize("choice", [Choice.AUTO, Choice.REQUIRED])
@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("schema", [None, {"type": "object"}])
def test_every_grammar_of_calls_is_one_that_can_be_followed(
    notation: Notation, choice: Choice, parallel: bool, schema: dict[str, Any] | None
) -> None:
    marks = Marks('"<tool_call>"', '"</tool_call>"')
    grammar = of_calls(Toolbox((WEATHER, TIME), choice, parallel), notation, marks, schema)
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
def test_an_answer_in_words_does_not_begin_like_a_call(text: str, is_prose: bool) -> None:
    assert is_prose is bool(text and re.fullmatch(PROSE.text.partition("/")[2][:-1], text))
    assert LLMatcher.validate_grammar(PROSE.text) == ""


def test_what_a_schema_says_beyond_the_grammar_does_not_refuse_it() -> None:
    schema = {"type": "array", "uniqueItems": True, "items": {"type": "integer"}}
    is_error, messages = LLMatcher.validate_grammar_with_warnings(of_schema(schema).text)
    assert not is_error and messages


@pytest.mark.parametrize("others", [(), (WEATHER,)])
def test_a_schema_may_refer_to_its_own_definitions(others: tuple[Tool, ...]) -> None:
    place = {"type": "object", "properties": {"city": {"type": "string"}}}
    schema = {
        "type": "object",
        "properties": {"at": {"$ref": "#/$defs/Place"}},
        "$defs": {"Place": place},
    }
    box = Toolbox((Tool("go to", "", schema), *others))
    grammar = of_calls(box, TAGGED, Marks('"<tool_call>"', '"</tool_call>"'), None)
    assert LLMatcher.validate_grammar(grammar.text) == ""


def test_a_template_that_shows_tools_is_given_them() -> None:
    info = replace(FAKE_MODEL, chat_template=NATIVE)
    history = [Message("user", "Hi"), said("", [CALL]), resulted("20 C", "call_1")]
    messages, signatures = for_template(info, history, [WEATHER])
    function = {"name": "weather", "arguments": {"city": "Paris"}}
    assert signatures == SIGNATURES
    assert messages == [
        Message("user", "Hi"),
        Message(
            "assistant",
            "",
            {"tool_calls": [{"id": "call_1", "type": "function", "function": function}]},
        ),
        Message("tool", "20 C", {"tool_call_id": "call_1"}),
    ]


def test_a_template_without_a_place_for_tools_is_told_of_them_in_words() -> None:
    history = [Message("user", "Hi"), said("I look.", [CALL]), resulted("20 C", "call_1")]
    messages, signatures = for_template(FAKE_MODEL, history, [WEATHER])
    assert signatures == []
    assert messages[0].role == "system"
    assert json.dumps(SIGNATURES[0]) in messages[0].content
    assert messages[1:] == [
        Message("user", "Hi"),
        Message(
            "assistant",
            'I look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n'
            "</tool_call>",
        ),
        Message("user", "<tool_response>\n20 C\n</tool_response>"),
    ]


def test_mistrals_templates_are_given_ids_of_nine_characters() -> None:
    info = replace(FAKE_MODEL, chat_template="{{ tools }} [TOOL_CALLS]")
    (call, result), _ = for_template(info, [said("", [CALL]), resulted("20 C", "call_1")], [])
    id = result.extra["tool_call_id"]
    function = {"name": "weather", "arguments": {"city": "Paris"}}
    assert call.extra["tool_calls"] == [{"id": id, "type": "function", "function": function}]
    assert len(str(id)) == 9


async def heard(engine: FakeEngine, request: ChatRequest) -> list[str]:
    """Text, calls and the end, in words."""
    chat = ChatService(engine, ChatSection(system_prompt=""), new_id=lambda: "call_2")
    found = [event async for event in chat.reply(request)]
    return [
        event.reason
        if isinstance(event, Finished)
        else f"{event.name} {event.arguments}"
        if isinstance(event, ToolCall)
        else event.text
        for event in found
        if not isinstance(event, Chunk) or event.text
    ]


ASKED = ChatRequest((Message("user", "Weather?"),), toolbox=Toolbox((WEATHER,)))


async def test_a_call_ends_an_answer_for_its_own_reason() -> None:
    engine = FakeEngine('<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}')
    assert await heard(engine, ASKED) == ['weather {"city": "Oslo"}', "tool_calls"]
    grammar = engine.requests[0].grammar
    assert grammar is not None and grammar.triggers == TAGGED.triggers


async def test_an_answer_that_is_cut_off_behind_a_call_ends_for_its_length() -> None:
    engine = FakeEngine('<tool_call>{"name": "weather", "arguments": {}}</tool_call> And more')
    request = ChatRequest(ASKED.messages, max_tokens=60, toolbox=ASKED.toolbox)
    assert (await heard(engine, request))[-1] == "length"


async def test_a_call_that_is_repeated_ends_the_answer() -> None:
    calls = [
        f'<tool_call>{{"name": "weather", "arguments": {{"city": "{city}"}}}}</tool_call>\n'
        for city in ("Oslo", "Rome", "Oslo")
    ]
    engine = FakeEngine("".join(calls) + "and so on" * 100)
    assert await heard(engine, ASKED) == [
        'weather {"city": "Oslo"}',
        'weather {"city": "Rome"}',
        "tool_calls",
    ]
    assert engine.cancelled == 1


async def test_a_call_that_is_required_is_begun_for_the_model() -> None:
    engine = FakeEngine('{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>')
    request = ChatRequest(ASKED.messages, toolbox=Toolbox((WEATHER,), Choice.REQUIRED))
    assert await heard(engine, request) == ['weather {"city": "Oslo"}', "tool_calls"]
    prompt = "".join(map(chr, engine.requests[0].prompt))
    assert prompt.endswith("<assistant><tool_call>\n")
    grammar = engine.requests[0].grammar
    assert grammar is not None and grammar.triggers == []


async def test_who_may_call_nothing_is_not_told_of_tools() -> None:
    engine = FakeEngine('<tool_call>{"name": "weather", "arguments": {}}')
    request = ChatRequest(ASKED.messages, toolbox=Toolbox((WEATHER,), Choice.NONE))
    assert "".join(await heard(engine, request)).endswith("}}stop")
    assert "".join(map(chr, engine.requests[0].prompt)) == "<user>Weather?</user><assistant>"
    assert engine.requests[0].grammar is None
