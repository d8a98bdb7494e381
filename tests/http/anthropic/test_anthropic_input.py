"""Anthropic's dialect: the prompt of a request, and invalid requests."""

import json
from typing import Any

import pytest

from copilotd.engine.fake import FakeEngine
from copilotd.errors import CopilotdError, EngineBusy, EngineLoadFailed
from tests.http.anthropic.messages import (
    ASK,
    CALL,
    COUNT,
    PATH,
    PROMPT,
    QUESTION,
    SCHEMA,
    TIME,
    USED,
    WEATHER,
    WRITTEN,
    answer,
    error,
    render_prompt,
    text,
)
from tests.http.fake_engines import ScriptedEngine
from tests.http.http_server import RunningServer, run_server


async def test_text_blocks_are_joined_with_newlines() -> None:
    blocks = [text("one"), text("two")]
    prompt = await render_prompt(system=blocks, messages=[{"role": "user", "content": blocks}])

    assert prompt == "<system>one\ntwo</system><user>one\ntwo</user><assistant>"


async def test_consecutive_messages_of_one_role_stay_separate() -> None:
    later = {"role": "system", "content": "Be kind."}

    assert await render_prompt(messages=[QUESTION, QUESTION, later]) == (
        "<user>Hi</user><user>Hi</user><system>Be kind.</system><assistant>"
    )


async def test_calls_and_results_of_earlier_turns_reach_the_model() -> None:
    thought = [{"type": "thinking", "thinking": "?", "signature": "s"}]
    calls = [USED | {"id": id} for id in ("a", "b")]
    results = [
        {"type": "tool_result", "tool_use_id": "a", "content": [text("20 C")]},
        {"type": "tool_result", "tool_use_id": "b", "content": "no such city", "is_error": True},
    ]
    history = [
        QUESTION,
        {"role": "assistant", "content": [*thought, text("I look."), *calls]},
        {"role": "user", "content": [*results, text("Go on.")]},
    ]

    assert await render_prompt(messages=history) == (
        f"<user>Hi</user><assistant>I look.\n{CALL}\n{CALL}</assistant>"
        "<user><tool_response>\n20 C\n</tool_response></user>"
        "<user><tool_response>\nError: no such city\n</tool_response></user>"
        "<user>Go on.</user><assistant>"
    )


async def test_a_message_with_only_a_result_adds_no_empty_user_message() -> None:
    result = {"type": "tool_result", "tool_use_id": "a"}
    history = [
        {"role": "assistant", "content": [USED | {"id": "a"}]},
        {"role": "user", "content": [result]},
    ]

    assert (await render_prompt(messages=history)).endswith(
        "</assistant><user><tool_response>\n\n</tool_response></user><assistant>"
    )


async def test_a_last_message_of_the_assistant_is_continued() -> None:
    opening = {"role": "assistant", "content": "The capital is"}

    assert await render_prompt(messages=[QUESTION, opening]) == f"{PROMPT}The capital is"


@pytest.mark.parametrize("path", [PATH, COUNT])
async def test_a_last_message_with_a_call_is_not_continued(path: str) -> None:
    history = [QUESTION, {"role": "assistant", "content": [USED]}]
    async with run_server(FakeEngine("Warm.")) as server:
        response = await server.post(path, ASK | {"messages": history})

    assert response.status_code == 200
    prompt = f"<user>Hi</user><assistant>{CALL}</assistant><assistant>"
    body = response.json()
    assert body.get("usage", body)["input_tokens"] == len(prompt)


async def test_the_tokens_of_a_conversation_are_counted(paris: RunningServer) -> None:
    bare = await paris.post(COUNT, {"model": "claude", "messages": [QUESTION]})
    more = await paris.post(COUNT, {"messages": [QUESTION], "system": "Hi", "tools": [WEATHER]})

    assert bare.json() == {"input_tokens": len(PROMPT)}
    assert more.json()["input_tokens"] > len(PROMPT) + len(json.dumps(SCHEMA))
    assert paris.engine.requests == []


async def test_the_chat_model_answers_unless_the_request_names_another() -> None:
    async with run_server(FakeEngine("first"), chat_engine=FakeEngine("talker")) as server:
        any_name, its_name = await answer(server), await answer(server, model="local")

    assert [any_name["content"], its_name["content"]] == [[text("talker")], [text("first")]]


async def grammar(**body: Any) -> str:
    """The grammar of the answer; empty if any text is allowed."""
    async with run_server(FakeEngine("")) as server:
        await answer(server, **body)
        engine_grammar = server.engine.requests[0].grammar
    return engine_grammar.text if engine_grammar else ""


async def test_tool_choice_decides_whether_and_what_the_model_calls() -> None:
    tools = [WEATHER, TIME]
    auto = await render_prompt(tools=tools, tool_choice={"type": "auto"})
    must = await render_prompt(tools=tools, tool_choice={"type": "any"})
    named = await render_prompt(tools=tools, tool_choice={"type": "tool", "name": "time"})
    none = await render_prompt(tools=tools, tool_choice={"type": "none"})

    assert auto == await render_prompt(tools=tools)
    assert must == f"{auto}<tool_call>\n"
    assert '"name": "time"' in named and "weather" not in named
    assert named.endswith("<assistant><tool_call>\n")
    assert none == PROMPT


async def test_the_answer_of_a_required_call_starts_after_the_call_prefix() -> None:
    async with run_server(FakeEngine(WRITTEN)) as server:
        body = await answer(server, tools=[WEATHER], tool_choice={"type": "any"})

    assert body["content"] == [USED]
    assert body["stop_reason"] == "tool_use"


async def test_a_required_call_does_not_continue_the_last_message() -> None:
    history = [QUESTION, {"role": "assistant", "content": "So"}]
    prompt = await render_prompt(messages=history, tools=[WEATHER], tool_choice={"type": "any"})

    assert prompt.endswith("<assistant>So</assistant><assistant><tool_call>\n")


@pytest.mark.parametrize("kind", ["auto", "any"])
async def test_parallel_calls_can_be_disabled(kind: str) -> None:
    choice: dict[str, Any] = {"type": kind}
    one = await grammar(tools=[WEATHER], tool_choice=choice | {"disable_parallel_tool_use": True})
    several = await grammar(tools=[WEATHER], tool_choice=choice)

    assert ")*" not in one
    assert ")*" in several


def content(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": blocks}]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"messages": []},
            "messages: List should have at least 1 item after validation, not 0.",
        ),
        (
            content({"type": "image", "source": {"type": "base64", "data": "?"}}),
            "messages.0.content.0.image: has an image that is not in base64.",
        ),
        (
            content({"type": "document", "source": {}}),
            "messages.0.content.0: accepts text, image, tool_use and tool_result blocks only, "
            "not document.",
        ),
        (
            content({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image"}]}),
            "messages.0.content.0.tool_result.content: accepts text blocks only, not image.",
        ),
        (content({"type": "text"}), "messages.0.content.0.text.text: Field required."),
        (content(USED), "messages.0.content: a message of the user cannot have a tool_use block."),
        (
            content({"type": "tool_result", "tool_use_id": "a"}, role="assistant"),
            "messages.0.content: a message of the assistant cannot have a tool_result block.",
        ),
        (
            {"messages": [{"role": "wizard", "content": "x"}]},
            "messages.0.role: Input should be 'user', 'assistant' or 'system'.",
        ),
        ({"system": [{"type": "image"}]}, "system: accepts text blocks only, not image."),
        ({"system": [{"type": "text"}]}, "system: has a text block without text."),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1."),
        (
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            "tools.0: is of type web_search_20250305, which only Anthropic supports; "
            "offer a tool with an input_schema of your own.",
        ),
        ({"tools": [{"name": "weather"}]}, "tools.0.input_schema: Field required."),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "other"}},
            "tool_choice: no tool is called other.",
        ),
        ({"tool_choice": {"type": "any"}}, "tool_choice: any needs tools."),
    ],
)
async def test_a_request_that_is_not_valid_is_400_and_names_the_field(
    paris: RunningServer, body: Any, words: str
) -> None:
    response = await paris.post(PATH, ASK | body)

    assert response.status_code == 400
    assert response.json() == error("invalid_request_error", words)
    assert paris.engine.requests == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("failure", "status", "retry_after", "kind"),
    [
        (EngineBusy("it says why"), 503, "1", "overloaded_error"),
        (EngineLoadFailed("it says why"), 500, None, "api_error"),
    ],
)
async def test_a_failure_before_the_first_token_has_a_status_of_its_own(
    failure: CopilotdError, status: int, retry_after: str | None, kind: str, stream: bool
) -> None:
    async with run_server(ScriptedEngine(failure)) as server:
        response = await server.post(PATH, ASK | {"stream": stream})

    assert response.status_code == status
    assert response.headers.get("retry-after") == retry_after
    assert response.json() == error(kind, "it says why.")


async def test_a_conversation_that_exceeds_the_context_is_an_invalid_request(
    paris: RunningServer,
) -> None:
    response = await paris.post(PATH, ASK | content(text("x" * 5000)))

    assert response.status_code == 400
    assert response.json() == error(
        "invalid_request_error",
        f"the conversation has {len(PROMPT) + 4998} tokens, the context 4096. "
        "Start a new conversation, or raise model.n_ctx.",
    )
