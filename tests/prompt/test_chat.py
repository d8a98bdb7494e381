"""Chat prompts come from the model's template, which is not trusted."""

import pytest
from msgspec.structs import replace

from copilotd.engine.fake import FAKE_MODEL
from copilotd.errors import InvalidRequest
from copilotd.prompt.chat import render
from copilotd.prompt.messages import Message

HELLO = [Message("system", "Be brief."), Message("user", "Hello")]


def test_a_conversation_ends_where_the_answer_begins() -> None:
    expected = "<system>Be brief.</system><user>Hello</user><assistant>"
    assert render(FAKE_MODEL, HELLO) == [expected]


def test_a_model_without_a_template_gets_a_plain_one() -> None:
    plain = render(replace(FAKE_MODEL, chat_template=None), HELLO)
    assert plain == ["### System:\nBe brief.\n\n### User:\nHello\n\n### Assistant:"]


def test_a_template_may_refuse_a_conversation() -> None:
    strict = replace(FAKE_MODEL, chat_template="{{ raise_exception('roles must alternate') }}")
    with pytest.raises(InvalidRequest, match="roles must alternate"):
        render(strict, HELLO)


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
        render(replace(FAKE_MODEL, chat_template=attack), HELLO)


def test_a_control_token_in_a_message_is_cut_in_two() -> None:
    model = replace(FAKE_MODEL, controls=["<|end|>", "<|en"])
    said = [Message("user", "a<|end|>b"), Message("tool", "x", {"note": "<|en"})]
    assert render(model, said) == ["<user>a<", "|end|>b</user><tool>x</tool><assistant>"]


def test_the_names_of_tools_cannot_carry_control_tokens_either() -> None:
    shows = replace(FAKE_MODEL, controls=["<|end|>"], chat_template="{{ tools | tojson }}")
    assert render(shows, HELLO, [{"name": "<|end|>"}]) == ['[{"name": "<', '|end|>"}]']


def test_signatures_are_written_as_models_have_learnt_them() -> None:
    shows = replace(FAKE_MODEL, chat_template="{{ tools | tojson }}")
    text = """[{"name": "z", "description": "a < b, it's é"}]"""
    assert render(shows, HELLO, [{"name": "z", "description": "a < b, it's é"}]) == [text]
