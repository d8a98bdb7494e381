"""The endpoint."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from copilotd.engine.types import Sampling
from copilotd.http.openai.chat import convert
from copilotd.http.openai.chat.schema import EXAMPLES, ChatBody, ChatCompletion
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.envelope import Envelope
from copilotd.http.shared.error_bodies import RESPONSES
from copilotd.http.shared.parallel import gathered, interleaved
from copilotd.http.shared.sse import STREAMED, EventStream, openai_frames

router = APIRouter(tags=["OpenAI"])


@router.post(
    "/v1/chat/completions",
    summary="Answer a conversation",
    response_model=ChatCompletion,
    response_model_exclude_unset=True,
    responses=STREAMED | RESPONSES,
)
async def chat(
    body: Annotated[ChatBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> ChatCompletion | EventStream:
    """The model answers, by the chat template of its own GGUF.

    What you leave open (temperature, length, system message) is set in the table [chat] of the
    settings. A conversation that leaves no room for an answer is an error.
    """
    model = services.models.for_chat(body.model)
    envelope = Envelope.of("chatcmpl", model.alias)
    default = Sampling(temperature=model.chat.settings.temperature)
    wanted = convert.chat_requests(body, default)
    events = interleaved([model.chat.reply(one) for one in wanted])
    if body.stream:
        chunks = convert.chunks(body, envelope, events)
        return await EventStream.opened(request, openai_frames(chunks))
    replies = await while_connected(request.receive, gathered(events, len(wanted)))
    return convert.completion(body, envelope, replies)
