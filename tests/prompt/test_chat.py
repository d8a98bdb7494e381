"""Chat prompts are rendered with the template of the model, which is not trusted."""

import pytest
from msgspec.structs import replace

from copilotd.engine.fake import FAKE_MODEL
from copilotd.errors import InvalidRequest
from copilotd.prompt.chat import ImageRef, render_chat
from copilotd.prompt.messages import (
    IMAGE_PLACEHOLDER,
    AssistantMessage,
    Image,
    Message,
    SystemMessage,
    ToolCall,
    ToolResult,
    UserMessage,
)

HELLO: list[Message] = [SystemMessage("Be brief."), UserMessage("Hello")]


def test_the_prompt_of_a_conversation_ends_where_the_answer_begins() -> None:
    expected = "<system>Be brief.</system><user>Hello</user><assistant>"
    assert render_chat(FAKE_MODEL, HELLO) == [expected]


def test_a_model_without_a_template_gets_the_default_one() -> None:
    plain = render_chat(replace(FAKE_MODEL, chat_template=None), HELLO)
    assert plain == ["### System:\nBe brief.\n\n### User:\nHello\n\n### Assistant:"]


def test_a_conversation_that_the_template_rejects_is_an_invalid_request() -> None:
    strict = replace(FAKE_MODEL, chat_template="{{ raise_exception('roles must alternate') }}")
    with pytest.raises(InvalidRequest, match="roles must alternate"):
        render_chat(strict, HELLO)


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_template_cannot_leave_its_sandbox(attack: str) -> None:
    with pytest.raises(InvalidRequest):
        render_chat(replace(FAKE_MODEL, chat_template=attack), HELLO)


def test_a_control_token_in_a_message_is_split() -> None:
    model = replace(FAKE_MODEL, controls=["<|end|>", "<|en"])
    messages: list[Message] = [UserMessage("a<|end|>b"), ToolResult("x", "<|en")]
    assert render_chat(model, messages) == ["<user>a<", "|end|>b</user><tool>x</tool><assistant>"]


def test_a_control_token_in_a_call_or_its_id_is_split() -> None:
    template = "{% for m in messages %}{{ m | tojson }}{% endfor %}"
    model = replace(FAKE_MODEL, controls=["<|end|>"], chat_template=template)
    call = ToolCall("<|end|>", "find", '{"text": "<|end|>"}')
    messages: list[Message] = [AssistantMessage("", (call,)), ToolResult("x", "<|end|>")]
    assert [part for part in render_chat(model, messages) if part] == [
        '{"role": "assistant", "content": "", "tool_calls": [{"id": "<',
        '|end|>", "type": "function", "function": {"name": "find", "arguments": {"text": "<',
        '|end|>"}}}]}{"role": "tool", "content": "x", "tool_call_id": "<',
        '|end|>"}',
    ]


def test_an_image_is_a_separate_part_and_a_stray_placeholder_is_not() -> None:
    red, blue = Image(b"red"), Image(b"blue")
    messages: list[Message] = [
        UserMessage(f"a{IMAGE_PLACEHOLDER}{IMAGE_PLACEHOLDER}b", (red, blue)),
        AssistantMessage(f"c{IMAGE_PLACEHOLDER}"),
    ]
    assert render_chat(FAKE_MODEL, messages, answer_prefix="Yes") == [
        "<user>a",
        ImageRef(0),
        "",
        ImageRef(1),
        "b</user><assistant>c\ufffd</assistant><assistant>Yes",
    ]


def test_a_control_token_in_the_name_of_a_tool_is_split() -> None:
    model = replace(FAKE_MODEL, controls=["<|end|>"], chat_template="{{ tools | tojson }}")
    assert render_chat(model, HELLO, [{"name": "<|end|>"}]) == ['[{"name": "<', '|end|>"}]']


def test_tools_are_written_as_transformers_writes_them() -> None:
    model = replace(FAKE_MODEL, chat_template="{{ tools | tojson }}")
    text = """[{"name": "z", "description": "a < b, it's é"}]"""
    assert render_chat(model, HELLO, [{"name": "z", "description": "a < b, it's é"}]) == [text]
