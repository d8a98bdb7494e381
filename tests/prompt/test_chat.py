"""Chat prompts come from the model's template, which is not trusted."""

import pytest
from msgspec.structs import replace

from copilotd.engine.fake import FAKE_MODEL
from copilotd.errors import InvalidRequest
from copilotd.prompt.chat import render
from copilotd.types import Message

HELLO = [Message("system", "Be brief."), Message("user", "Hello")]


def test_a_conversation_ends_where_the_answer_begins() -> None:
    expected = "<system>Be brief.</system><user>Hello</user><assistant>"
    assert render(FAKE_MODEL, HELLO) == expected


def test_a_model_without_a_template_gets_a_plain_one() -> None:
    plain = render(replace(FAKE_MODEL, chat_template=None), HELLO)
    assert plain == "### System:\nBe brief.\n\n### User:\nHello\n\n### Assistant:"


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
