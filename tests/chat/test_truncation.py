"""Conversations that are too long for the context."""

from typing import Any

import pytest
from msgspec.structs import replace

from copilotd.chat.service import ChatRequest, ChatService
from copilotd.chat.truncation import drop_oldest_exchange
from copilotd.config import ChatSection
from copilotd.config.live import Live
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.errors import ContextOverflow
from copilotd.prompt.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolResult,
    UserMessage,
)


def conversation(letters: str) -> tuple[Message, ...]:
    """Build a message for each letter: S system, other capitals user, a assistant, t a result."""
    return tuple(map(message, letters))


def message(letter: str) -> Message:
    match letter:
        case "S":
            return SystemMessage(letter)
        case "a":
            return AssistantMessage(letter)
        case "t":
            return ToolResult(letter, "call")
        case _:
            return UserMessage(letter)


def letters_of(messages: Any) -> str | None:
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
def test_the_oldest_exchange_of_the_middle_is_dropped_first(before: str, after: str | None) -> None:
    assert letters_of(drop_oldest_exchange(conversation(before))) == after


LONG: tuple[Message, ...] = (
    SystemMessage("S" * 20),
    *(UserMessage(letter * 30) for letter in "ABCD"),
)


def service(**settings: Any) -> tuple[ChatService, FakeEngine]:
    engine = FakeEngine("Yes.", info=replace(FAKE_MODEL, n_ctx=180))
    return ChatService(engine, Live(ChatSection(**settings))), engine


async def answer(service: ChatService, request: ChatRequest) -> str:
    return "".join(
        [piece async for piece in service.stream_text(request) if piece in ("Y", "e", "s", ".")]
    )


async def test_by_default_a_conversation_that_is_too_long_is_an_error() -> None:
    chat, _ = service()
    with pytest.raises(ContextOverflow):
        await answer(chat, ChatRequest(LONG))


@pytest.mark.parametrize("options", [{"settings": {"overflow": "shorten"}}, {"may_truncate": True}])
async def test_on_request_the_middle_is_dropped(options: dict[str, Any]) -> None:
    chat, engine = service(**options.pop("settings", {}))
    assert await answer(chat, ChatRequest(LONG, max_tokens=20, **options)) == "Yes."
    prompt = await engine.detokenize(engine.requests[0].prompt)
    assert [letter in prompt for letter in ("AAA", "BBB", "CCC", "DDD")] == [
        True,
        False,
        False,
        True,
    ]


async def test_a_single_question_that_is_too_long_is_an_error() -> None:
    chat, _ = service(overflow="shorten")
    with pytest.raises(ContextOverflow):
        await answer(chat, ChatRequest((UserMessage("A" * 300),)))
