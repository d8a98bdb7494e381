"""POST /v1/chat/completions: answer a conversation."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from copilotd.engine.types import Sampling
from copilotd.http.services import ServicesOf
from copilotd.http.shared.chat_completions import convert
from copilotd.http.shared.chat_completions.examples import EXAMPLES
from copilotd.http.shared.chat_completions.schema import ChatBody, ChatCompletion
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.shared.error_bodies import RESPONSES
from copilotd.http.shared.parallel import collect_replies, merge_events
from copilotd.http.shared.response_meta import ResponseMeta
from copilotd.http.shared.sse import STREAMED, EventStream, stream_openai_events

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
    """The model answers, with the chat template of its own GGUF.

    The table [chat] of the settings has the defaults (temperature, length, system message). A
    conversation that leaves no room for an answer is an error.
    """
    model = services.models.for_chat(body.model)
    meta = ResponseMeta.create("chatcmpl", model.alias)
    default = Sampling(temperature=model.chat.settings.temperature)
    requests = convert.build_chat_requests(body, default)
    events = merge_events([model.chat.stream_events(one) for one in requests])
    if body.stream:
        chunks = convert.stream_chunks(body, meta, events)
        return await EventStream.open(request, stream_openai_events(chunks))
    replies = await run_while_connected(request.receive, collect_replies(events, len(requests)))
    return convert.build_completion(body, meta, replies)
