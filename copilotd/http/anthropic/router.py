"""The endpoints."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from copilotd.engine.types import Sampling
from copilotd.http.anthropic import convert
from copilotd.http.anthropic.events import Telling, frames
from copilotd.http.anthropic.schema import (
    COUNTED,
    EXAMPLES,
    ConversationBody,
    MessageAnswer,
    MessagesBody,
    TokenCount,
)
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.error_bodies import AnthropicError, responses
from copilotd.http.shared.sse import EventStream

router = APIRouter(tags=["Anthropic"], responses=responses(AnthropicError))

_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `stream` in pieces, as server-sent events with names.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/v1/messages",
    summary="Answer a conversation",
    response_model=MessageAnswer,
    responses=_STREAMED,
)
async def answer(
    body: Annotated[MessagesBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> MessageAnswer | EventStream:
    """The model answers, by the chat template of its own GGUF, and may call the tools given.

    What you leave open (temperature, length, system message) is set in the table [chat] of the
    settings. A conversation that leaves no room for an answer is an error.
    """
    model = services.models.for_chat(body.model)
    called = body.model or model.alias
    default = Sampling(temperature=model.chat.settings.temperature)
    heard = model.chat.reply(convert.chat_request(body, default))
    if body.stream:
        return await EventStream.opened(request, frames(Telling(called), heard))
    return await while_connected(request.receive, convert.whole(called, heard))


@router.post("/v1/messages/count_tokens", summary="Count the tokens of a conversation")
async def count_tokens(
    body: Annotated[ConversationBody, Body(openapi_examples=COUNTED)],
    request: Request,
    services: ServicesOf,
) -> TokenCount:
    """As many as the model would read before it answers, with its template and the tools."""
    model = services.models.for_chat(body.model)
    count = model.chat.count(convert.conversation(body))
    return TokenCount(input_tokens=await while_connected(request.receive, count))
