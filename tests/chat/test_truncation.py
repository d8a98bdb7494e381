"""A conversation that is too long for the context."""

from typing import Any

import pytest
from msgspec.structs import replace

from copilotd.chat.service import ChatRequest, ChatService
from copilotd.chat.truncation import shortened
from copilotd.config import ChatSection
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.errors import ContextOverflow
from copilotd.prompt.messages import Message


def conversation(letters: str) -> tuple[Message, ...]:
    """S for a system message, a question for each capital, an answer, t a tool's result."""
    roles = {"S": "system", "a": "assistant", "t": "tool"}
    return tuple(Message(roles.get(letter, "user"), letter) for letter in letters)


def letters(messages: Any) -> str | None:
    return None if messages is None else "".join(message.content for message in messages)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SAaBaCaD", "SAaCaD"),
        ("SAaCaD", "SAaD"),
        ("SAaD", "SD"),
        ("SD", None),
        ("AaataBaatC", "AaataC"),
        ("SS", None),
        ("", None),
        ("aAaB", "aB"),
    ],
)
def test_the_oldest_exchange_of_the_middle_goes_first(before: str, after: str | None) -> None:
    assert letters(shortened(conversation(before))) == after


LONG = (
    Message("system", "S" * 20),
    *(Message("user", letter * 30) for letter in "ABCD"),
)


def service(**settings: Any) -> tuple[ChatService, FakeEngine]:
    engine = FakeEngine("Yes.", info=replace(FAKE_MODEL, n_ctx=180))
    return ChatService(engine, ChatSection(**settings)), engine


async def answered(service: ChatService, request: ChatRequest) -> str:
    return "".join([piece async for piece in service.say(request) if piece in ("Y", "e", "s", ".")])


async def test_by_default_it_is_an_error() -> None:
    chat, _ = service()
    with pytest.raises(ContextOverflow):
        await answered(chat, ChatRequest(LONG))


@pytest.mark.parametrize("asked", [{"settings": {"overflow": "shorten"}}, {"shortens": True}])
async def test_on_request_its_middle_is_left_out(asked: dict[str, Any]) -> None:
    chat, engine = service(**asked.pop("settings", {}))
    assert await answered(chat, ChatRequest(LONG, max_tokens=20, **asked)) == "Yes."
    prompt = await engine.detokenize(engine.requests[0].prompt)
    assert [letter in prompt for letter in ("AAA", "BBB", "CCC", "DDD")] == [
        True,
        False,
        False,
        True,
    ]


async def test_one_question_that_is_too_long_stays_an_error() -> None:
    chat, _ = service(overflow="shorten")
    with pytest.raises(ContextOverflow):
        await answered(chat, ChatRequest((Message("user", "A" * 300),)))
