"""What /v1/responses answers."""

import json
from typing import Any

import pytest
from openai.types.responses import Response

from copilotd.config import ChatSection
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk, GenerateRequest, Sampling
from tests.http.fake_engines import STOP, PlayedEngine
from tests.http.http_server import JSON, Served, serving
from tests.http.openai.responses import (
    ARGUMENTS,
    ASK,
    CALL,
    PARAMETERS,
    PATH,
    PROMPT,
    TIME,
    WEATHER,
    WEB,
    WRITTEN,
    answer,
    call,
    message,
    named,
    output,
    usage,
)


async def test_a_question_is_answered_in_openais_shape(paris: Served) -> None:
    response = await paris.post(PATH, ASK, **JSON)

    assert response.status_code == 200
    assert named(response.json()) == answer(
        output=[message("msg_1", "Paris")], usage=usage(len(PROMPT), 5)
    )
    assert paris.engine.requests == [
        GenerateRequest(
            prompt=[ord(c) for c in PROMPT],
            max_tokens=1024,
            sampling=Sampling(temperature=0.2),
        )
    ]


async def test_what_was_asked_for_is_repeated_as_it_was_understood() -> None:
    form = {"type": "json_schema", "name": "n", "schema": PARAMETERS, "strict": True}
    asked = {
        "model": "any",
        "instructions": "Be terse.",
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "top_p": 0.25,
        "max_output_tokens": 9,
        "text": {"format": form},
        "tools": [WEATHER],
        "tool_choice": "none",
    }
    async with serving(FakeEngine("{}")) as served:
        response = await served.post(PATH, ASK | asked)

    prompt = "<system>Be terse.</system><user>Hi</user><assistant>"
    expected = asked | {"model": "local", "text": {"format": form}}
    assert named(response.json()) == answer(
        output=[message("msg_1", "{}")], usage=usage(len(prompt), 2), **expected
    )
    assert served.engine.requests[0].sampling == Sampling(temperature=0.5, top_p=0.25)
    assert served.engine.requests[0].max_tokens == 9


async def test_the_answer_is_what_openais_client_expects(paris: Served) -> None:
    body = (await paris.post(PATH, ASK | {"tools": [WEATHER]})).json()

    assert Response.model_validate(body, strict=True).output_text == "Paris"


async def test_the_settings_fill_in_what_the_client_leaves_open() -> None:
    settings = ChatSection(system_prompt="Be terse.", temperature=0.75, max_tokens=2)
    async with serving(FakeEngine(lambda prompt: prompt), chat=settings) as served:
        response = await served.post(PATH, ASK)

    assert named(response.json())["output"] == [message("msg_1", "<s", "incomplete")]
    assert response.json()["temperature"] == 0.75


async def test_an_answer_that_is_cut_is_incomplete(paris: Served) -> None:
    response = await paris.post(PATH, ASK | {"max_output_tokens": 3})

    assert named(response.json()) == answer(
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
        output=[message("msg_1", "Par", "incomplete")],
        usage=usage(len(PROMPT), 3),
        max_output_tokens=3,
    )


async def test_an_empty_answer_is_an_empty_message() -> None:
    async with serving(FakeEngine("")) as served:
        assert await output(served, ASK) == [message("msg_1", "")]


async def test_cached_tokens_are_counted() -> None:
    async with serving(PlayedEngine(Chunk("Hi"), STOP)) as served:
        response = await served.post(PATH, ASK)

    assert response.json()["usage"] == usage(5, 2, cached=3)


async def test_what_does_not_concern_the_model_is_ignored(paris: Served) -> None:
    ignored = {
        "store": True,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "truncation": "auto",
        "user": "me",
        "service_tier": "auto",
        "prompt_cache_key": "key",
        "previous_response_id": None,
        "background": False,
        "text": {"verbosity": "low"},
        "tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        "stream": None,
        "metadata": None,
    }

    response = await paris.post(PATH, ASK | ignored)

    assert named(response.json()) == answer(
        output=[message("msg_1", "Paris")], usage=usage(len(PROMPT), 5)
    )


async def test_text_and_calls_are_items_in_their_order() -> None:
    other = CALL.replace("Oslo", "Rome")
    async with serving(FakeEngine(f"I look.\n{CALL}\n{other}")) as served:
        assert await output(served, ASK | {"tools": [WEATHER]}) == [
            message("msg_1", "I look."),
            call("fc_2", "call_3", ARGUMENTS),
            call("fc_4", "call_5", ARGUMENTS.replace("Oslo", "Rome")),
        ]


async def test_tools_that_are_no_functions_are_ignored() -> None:
    async with serving(FakeEngine(CALL)) as served:
        response = await served.post(PATH, ASK | {"tools": [WEB, WEATHER, {"type": "local_shell"}]})

    assert response.json()["tools"] == [WEATHER]
    assert named(response.json())["output"] == [call("fc_1", "call_2", ARGUMENTS)]


async def test_a_named_function_is_the_only_one_that_can_be_called() -> None:
    choice = {"type": "function", "name": "weather"}
    async with serving(FakeEngine(WRITTEN)) as served:
        response = await served.post(PATH, ASK | {"tools": [TIME, WEATHER], "tool_choice": choice})

    assert response.json()["tool_choice"] == choice
    assert named(response.json())["output"] == [call("fc_1", "call_2", ARGUMENTS)]
    grammar = served.engine.requests[0].grammar
    assert grammar is not None
    assert '"const": "weather"' in grammar.text and "time" not in grammar.text


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "name": "n", "schema": PARAMETERS}, PARAMETERS),
    ],
)
async def test_a_form_of_the_text_becomes_a_grammar(
    form: dict[str, Any], schema: dict[str, Any]
) -> None:
    async with serving(FakeEngine("{}")) as served:
        await output(served, ASK | {"text": {"format": form}})

    grammar = served.engine.requests[0].grammar
    assert grammar is not None
    text = grammar.text.removeprefix("start: %json ")
    assert {k: v for k, v in json.loads(text).items() if k != "x-guidance"} == schema
