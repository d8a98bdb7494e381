"""The route of /v1/responses."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from copilotd.engine.types import Sampling
from copilotd.http.openai.responses import convert
from copilotd.http.openai.responses.answer import ResponseObject
from copilotd.http.openai.responses.events import (
    ResponseBuilder,
    collect_response,
    stream_response,
)
from copilotd.http.openai.responses.schema import EXAMPLES, ResponsesBody
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.shared.error_bodies import RESPONSES
from copilotd.http.shared.sse import NAMED_EVENTS, EventStream

router = APIRouter(tags=["OpenAI"])


@router.post(
    "/v1/responses",
    summary="Answer a conversation, in OpenAI's newer way",
    response_model=ResponseObject,
    responses=NAMED_EVENTS | RESPONSES,
)
async def respond(
    body: Annotated[ResponsesBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> ResponseObject | EventStream:
    """The model answers, with the chat template of its own GGUF, and may call functions.

    copilotd stores nothing: every request carries the whole conversation. Tools that are not
    functions (such as web search, which some clients always offer) are ignored, unless
    `tool_choice` requires one.
    """
    model = services.models.for_chat(body.model)
    default = Sampling(temperature=model.chat.settings.temperature)
    sampling = convert.build_sampling(body, default)
    builder = ResponseBuilder(convert.start_response(body, sampling, model.alias))
    events = model.chat.stream_events(convert.parse_chat_request(body, sampling))
    if body.stream:
        return await EventStream.open(request, stream_response(builder, events))
    return await run_while_connected(request.receive, collect_response(builder, events))
