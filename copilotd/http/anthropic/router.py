"""The routes under /v1/messages."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from copilotd.engine.types import Sampling
from copilotd.http.anthropic import convert
from copilotd.http.anthropic.errors import RESPONSES
from copilotd.http.anthropic.events import stream_message
from copilotd.http.anthropic.schema import (
    COUNT_EXAMPLES,
    EXAMPLES,
    ConversationBody,
    MessageAnswer,
    MessagesBody,
    TokenCount,
)
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.shared.sse import NAMED_EVENTS, EventStream

router = APIRouter(tags=["Anthropic"], responses=RESPONSES)


@router.post(
    "/v1/messages",
    summary="Answer a conversation",
    response_model=MessageAnswer,
    responses=NAMED_EVENTS,
)
async def answer(
    body: Annotated[MessagesBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> MessageAnswer | EventStream:
    """The model answers, with the chat template of its own GGUF, and may call the given tools.

    The table [chat] of the settings has the defaults (temperature, length, system message). A
    conversation that leaves no room for an answer is an error.
    """
    model = services.models.for_chat(body.model)
    name = body.model or model.alias
    default = Sampling(temperature=model.chat.settings.temperature)
    events = model.chat.stream_events(convert.parse_chat_request(body, default))
    if body.stream:
        return await EventStream.open(request, stream_message(name, events))
    return await run_while_connected(request.receive, convert.collect_message(name, events))


@router.post("/v1/messages/count_tokens", summary="Count the tokens of a conversation")
async def count_tokens(
    body: Annotated[ConversationBody, Body(openapi_examples=COUNT_EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> TokenCount:
    """The length of the prompt, with the model's chat template and the tools."""
    model = services.models.for_chat(body.model)
    count = model.chat.count_tokens(convert.parse_conversation(body))
    return TokenCount(input_tokens=await run_while_connected(request.receive, count))
