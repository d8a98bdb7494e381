"""The input of /v1/responses."""

from typing import Any

import pytest

from tests.http.openai.responses import (
    ARGUMENTS,
    ASK,
    CALL,
    WEATHER,
    WEB,
    get_refusal,
    render_prompt,
)


async def test_messages_may_omit_their_type_and_have_parts() -> None:
    kinds = ("input_text", "output_text", "text")
    text = [{"type": kind, "text": kind[0], "annotations": []} for kind in kinds]
    history = [
        {"type": "message", "role": "user", "content": text},
        {"id": "msg_1", "status": "completed", "role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Hi"},
    ]

    expected = "<user>iot</user><assistant>Yes?</assistant><user>Hi</user><assistant>"
    assert await render_prompt({"input": history}) == expected


async def test_instructions_come_first_and_developer_means_system() -> None:
    history = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Be quick."},
    ]

    assert await render_prompt({"instructions": "Be terse.", "input": history}) == (
        "<system>Be terse.\n\nBe kind.</system><user>Hi</user><system>Be quick.</system><assistant>"
    )


async def test_consecutive_items_of_one_role_are_one_message() -> None:
    history = [{"role": "user", "content": text} for text in ("The files.", "The question.")]

    expected = "<user>The files.\n\nThe question.</user><assistant>"
    assert await render_prompt({"input": history}) == expected


async def test_calls_belong_to_the_message_before_them_and_reasoning_is_ignored() -> None:
    history = [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        *(
            {"type": "function_call", "call_id": i, "name": "weather", "arguments": ARGUMENTS}
            for i in ("call_1", "call_2")
        ),
        {"type": "function_call_output", "call_id": "call_1", "output": "20 C"},
        {
            "type": "function_call_output",
            "call_id": "call_2",
            "output": [{"type": "input_text", "text": "20 "}, {"type": "input_text", "text": "C"}],
        },
    ]

    result = "<user><tool_response>\n20 C\n</tool_response></user>"
    assert await render_prompt({"input": history}) == (
        f"<user>Hi</user><assistant>I look.\n{CALL}\n{CALL}</assistant>{result}{result}<assistant>"
    )


async def test_broken_calls_in_the_history_are_repaired() -> None:
    broken_call = {
        "type": "function_call",
        "call_id": "c",
        "name": "weather",
        "arguments": "{'city':1",
    }

    assert '{"name": "weather", "arguments": {"city": 1}}' in await render_prompt(
        {"input": [broken_call]}
    )


def user(part: dict[str, Any]) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [part]}]}


@pytest.mark.parametrize(
    ("body", "param", "text"),
    [
        ({}, "input", "input: Field required."),
        (
            {"input": []},
            "input",
            "input: List should have at least 1 item after validation, not 0.",
        ),
        (
            user({"type": "input_image", "image_url": "data:"}),
            "input",
            "input.0.message.content: has a data: URL that is not in base64.",
        ),
        (
            user({"type": "input_file", "file_id": "f"}),
            "input",
            "input.0.message.content: accepts text and image parts only, not input_file.",
        ),
        (
            {"input": [{"type": "item_reference", "id": "msg_1"}]},
            "input",
            "input.0: refers to an item, but copilotd stores nothing; send the item itself.",
        ),
        (
            {"input": [{"id": "msg_1"}]},
            "input",
            "input.0: refers to an item, but copilotd stores nothing; send the item itself.",
        ),
        (
            ASK | {"previous_response_id": "resp_1"},
            "previous_response_id",
            "previous_response_id: copilotd stores nothing; send the whole conversation as input.",
        ),
        (
            ASK | {"conversation": "conv_1"},
            "conversation",
            "conversation: copilotd stores nothing; send the whole conversation as input.",
        ),
        (
            ASK | {"background": True},
            "background",
            "background: is not supported yet; leave it out.",
        ),
        (
            ASK | {"tool_choice": "required", "tools": [WEB]},
            "tool_choice",
            "tool_choice: required needs a function among the tools.",
        ),
        (
            ASK | {"tool_choice": {"type": "function", "name": "time"}, "tools": [WEATHER]},
            "tool_choice",
            "tool_choice: no function is called time.",
        ),
        (
            ASK | {"tools": [{"type": "function", "function": {"name": "weather"}}]},
            "tools",
            "tools.0.name: Field required.",
        ),
    ],
)
async def test_unsupported_input_is_refused(body: dict[str, Any], param: str, text: str) -> None:
    assert await get_refusal(body) == (param, text)


async def test_a_choice_of_a_tool_that_is_not_a_function_is_refused() -> None:
    param, text = await get_refusal(ASK | {"tools": [WEB], "tool_choice": {"type": "web_search"}})

    assert param == "tool_choice"
    assert "Input should be 'none', 'auto' or 'required'" in text
