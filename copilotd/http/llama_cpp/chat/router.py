"""The endpoints."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from copilotd.engine.types import Sampling, Usage
from copilotd.http.llama_cpp.chat import convert
from copilotd.http.llama_cpp.chat.schema import Counted, LlamaChatBody
from copilotd.http.openai.chat import convert as openai
from copilotd.http.openai.chat.schema import EXAMPLES, ChatCompletion
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.envelope import Envelope
from copilotd.http.shared.error_bodies import LLAMA_CPP_RESPONSES
from copilotd.http.shared.errors import failure
from copilotd.http.shared.parallel import gathered, interleaved
from copilotd.http.shared.sse import DONE, STREAMED, EventStream, frames

router = APIRouter(tags=["llama.cpp"])


@router.post(
    "/chat/completions",
    summary="Answer a conversation",
    response_model=None,
    responses=STREAMED | {200: {"model": ChatCompletion}} | LLAMA_CPP_RESPONSES,
)
async def chat(
    body: Annotated[LlamaChatBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> JSONResponse | EventStream:
    """As /v1/chat/completions, with `timings` in the answer."""
    model = services.models.for_chat(body.model)
    envelope = Envelope.of("chatcmpl", model.alias)
    default = Sampling(temperature=model.chat.settings.temperature)
    wanted = [convert.continued(one) for one in openai.chat_requests(body, default)]
    events = interleaved([model.chat.reply(one) for one in wanted])
    if body.stream:
        costs: list[Usage] = []
        sent = openai.chunks(body, envelope, convert.noted(events, costs))
        chunks = frames(convert.chunks(sent, costs), _failed, DONE)
        return await EventStream.opened(request, chunks)
    replies = await while_connected(request.receive, gathered(events, len(wanted)))
    answer = convert.timed(openai.completion(body, envelope, replies), replies[-1].usage)
    if body.verbose:
        answer["__verbose"] = {"prompt": await model.chat.rendered(wanted[0])}
    return JSONResponse(answer)


@router.post(
    "/chat/completions/input_tokens",
    summary="Count the tokens of a conversation",
    responses=LLAMA_CPP_RESPONSES,
)
async def count(
    body: Annotated[LlamaChatBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> Counted:
    """As many as the model would read."""
    model = services.models.for_chat(body.model)
    wanted = convert.continued(openai.chat_requests(body, Sampling())[0])
    tokens = await while_connected(request.receive, model.chat.count(wanted))
    return Counted(input_tokens=tokens)


def _failed(error: Exception) -> str:
    return failure("/chat/completions", error).model_dump_json(exclude_unset=True)
