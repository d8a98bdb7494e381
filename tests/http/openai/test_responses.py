"""The responses of /v1/responses."""

import json
from typing import Any

import pytest
from openai.types.responses import Response

from copilotd.config import ChatSection
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Chunk, GenerateRequest, Sampling
from tests.http.fake_engines import STOP, ScriptedEngine
from tests.http.http_server import JSON, RunningServer, run_server
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
    get_output,
    message,
    number_ids,
    usage,
)


async def test_a_question_is_answered_in_openais_shape(paris: RunningServer) -> None:
    response = await paris.post(PATH, ASK, **JSON)

    assert response.status_code == 200
    assert number_ids(response.json()) == answer(
        output=[message("msg_1", "Paris")], usage=usage(len(PROMPT), 5)
    )
    assert paris.engine.requests == [
        GenerateRequest(
            prompt=[ord(c) for c in PROMPT],
            max_tokens=1024,
            sampling=Sampling(temperature=0.2),
        )
    ]


async def test_the_response_repeats_the_settings_of_the_request() -> None:
    form = {"type": "json_schema", "name": "n", "schema": PARAMETERS, "strict": True}
    options = {
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
    async with run_server(FakeEngine("{}")) as server:
        response = await server.post(PATH, ASK | options)

    prompt = "<system>Be terse.</system><user>Hi</user><assistant>"
    expected = options | {"model": "local", "text": {"format": form}}
    assert number_ids(response.json()) == answer(
        output=[message("msg_1", "{}")], usage=usage(len(prompt), 2), **expected
    )
    assert server.engine.requests[0].sampling == Sampling(temperature=0.5, top_p=0.25)
    assert server.engine.requests[0].max_tokens == 9


async def test_openais_client_accepts_the_response(paris: RunningServer) -> None:
    body = (await paris.post(PATH, ASK | {"tools": [WEATHER]})).json()

    assert Response.model_validate(body, strict=True).output_text == "Paris"


async def test_the_settings_have_the_defaults_for_fields_that_the_client_leaves_out() -> None:
    settings = ChatSection(system_prompt="Be terse.", temperature=0.75, max_tokens=2)
    async with run_server(FakeEngine(lambda prompt: prompt), chat=settings) as server:
        response = await server.post(PATH, ASK)

    assert number_ids(response.json())["output"] == [message("msg_1", "<s", "incomplete")]
    assert response.json()["temperature"] == 0.75


async def test_an_answer_that_reaches_the_limit_is_incomplete(paris: RunningServer) -> None:
    response = await paris.post(PATH, ASK | {"max_output_tokens": 3})

    assert number_ids(response.json()) == answer(
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
        output=[message("msg_1", "Par", "incomplete")],
        usage=usage(len(PROMPT), 3),
        max_output_tokens=3,
    )


async def test_an_empty_answer_is_an_empty_message() -> None:
    async with run_server(FakeEngine("")) as server:
        assert await get_output(server, ASK) == [message("msg_1", "")]


async def test_cached_tokens_are_counted() -> None:
    async with run_server(ScriptedEngine(Chunk("Hi"), STOP)) as server:
        response = await server.post(PATH, ASK)

    assert response.json()["usage"] == usage(5, 2, cached=3)


async def test_fields_that_do_not_concern_the_model_are_ignored(paris: RunningServer) -> None:
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

    assert number_ids(response.json()) == answer(
        output=[message("msg_1", "Paris")], usage=usage(len(PROMPT), 5)
    )


async def test_text_and_calls_are_items_in_order() -> None:
    other = CALL.replace("Oslo", "Rome")
    async with run_server(FakeEngine(f"I look.\n{CALL}\n{other}")) as server:
        assert await get_output(server, ASK | {"tools": [WEATHER]}) == [
            message("msg_1", "I look."),
            call("fc_2", "call_3", ARGUMENTS),
            call("fc_4", "call_5", ARGUMENTS.replace("Oslo", "Rome")),
        ]


async def test_tools_that_are_not_functions_are_ignored() -> None:
    async with run_server(FakeEngine(CALL)) as server:
        response = await server.post(PATH, ASK | {"tools": [WEB, WEATHER, {"type": "local_shell"}]})

    assert response.json()["tools"] == [WEATHER]
    assert number_ids(response.json())["output"] == [call("fc_1", "call_2", ARGUMENTS)]


async def test_a_named_function_is_the_only_one_that_can_be_called() -> None:
    choice = {"type": "function", "name": "weather"}
    async with run_server(FakeEngine(WRITTEN)) as server:
        response = await server.post(PATH, ASK | {"tools": [TIME, WEATHER], "tool_choice": choice})

    assert response.json()["tool_choice"] == choice
    assert number_ids(response.json())["output"] == [call("fc_1", "call_2", ARGUMENTS)]
    grammar = server.engine.requests[0].grammar
    assert grammar is not None
    assert '"const": "weather"' in grammar.text and "time" not in grammar.text


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "name": "n", "schema": PARAMETERS}, PARAMETERS),
    ],
)
async def test_a_text_format_becomes_a_grammar(
    form: dict[str, Any], schema: dict[str, Any]
) -> None:
    async with run_server(FakeEngine("{}")) as server:
        await get_output(server, ASK | {"text": {"format": form}})

    grammar = server.engine.requests[0].grammar
    assert grammar is not None
    text = grammar.text.removeprefix("start: %json ")
    assert {k: v for k, v in json.loads(text).items() if k != "x-guidance"} == schema
