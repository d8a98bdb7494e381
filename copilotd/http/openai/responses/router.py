"""The endpoint."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from copilotd.engine.types import Sampling
from copilotd.http.openai.responses import convert
from copilotd.http.openai.responses.answer import ResponseObject
from copilotd.http.openai.responses.events import Telling, frames, whole
from copilotd.http.openai.responses.schema import EXAMPLES, ResponsesBody
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.error_bodies import RESPONSES
from copilotd.http.shared.sse import EventStream

router = APIRouter(tags=["OpenAI"])

_ANSWERS: dict[int | str, dict[str, Any]] = RESPONSES | {
    200: {
        "description": "The answer; with `stream` in pieces, as server-sent events with names.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/v1/responses",
    summary="Answer a conversation, in OpenAI's newer way",
    response_model=ResponseObject,
    responses=_ANSWERS,
)
async def respond(
    body: Annotated[ResponsesBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> ResponseObject | EventStream:
    """The model answers, by the chat template of its own GGUF, and may call functions.

    Nothing is stored: every request carries the whole conversation. Tools that are no functions
    (web search and the like, which some clients always offer) are ignored, unless `tool_choice`
    requires one.
    """
    model = services.models.for_chat(body.model)
    default = Sampling(temperature=model.chat.settings.temperature)
    sampling = convert.sampling(body, default)
    telling = Telling(convert.begun(body, sampling, model.alias))
    heard = model.chat.reply(convert.chat_request(body, sampling))
    if body.stream:
        return await EventStream.opened(request, frames(telling, heard))
    return await while_connected(request.receive, whole(telling, heard))
