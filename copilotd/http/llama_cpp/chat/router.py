"""The routes under /chat/completions."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from copilotd.engine.types import Sampling, Usage
from copilotd.http.llama_cpp.chat import convert
from copilotd.http.llama_cpp.chat.schema import Counted, LlamaChatBody
from copilotd.http.llama_cpp.errors import RESPONSES, write_llama_cpp_error
from copilotd.http.services import ServicesOf
from copilotd.http.shared.chat_completions import convert as openai_format
from copilotd.http.shared.chat_completions.examples import EXAMPLES
from copilotd.http.shared.chat_completions.schema import ChatCompletion
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.shared.parallel import collect_replies, merge_events
from copilotd.http.shared.response_meta import ResponseMeta
from copilotd.http.shared.sse import DONE, STREAMED, EventStream, stream_events

router = APIRouter(tags=["llama.cpp"])


@router.post(
    "/chat/completions",
    summary="Answer a conversation",
    response_model=None,
    responses=STREAMED | {200: {"model": ChatCompletion}} | RESPONSES,
)
async def chat(
    body: Annotated[LlamaChatBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> JSONResponse | EventStream:
    """Like /v1/chat/completions, with `timings` in the response."""
    model = services.models.for_chat(body.model)
    meta = ResponseMeta.create("chatcmpl", model.alias)
    default = Sampling(temperature=model.chat.settings.temperature)
    requests = [
        convert.continue_last_message(one)
        for one in openai_format.build_chat_requests(body, default)
    ]
    events = merge_events([model.chat.stream_events(one) for one in requests])
    if body.stream:
        costs: list[Usage] = []
        chunks = openai_format.stream_chunks(body, meta, convert.record_costs(events, costs))
        frames = stream_events(convert.stream_chunks(chunks, costs), write_llama_cpp_error, DONE)
        return await EventStream.open(request, frames)
    replies = await run_while_connected(request.receive, collect_replies(events, len(requests)))
    completion = openai_format.build_completion(body, meta, replies)
    response = convert.add_timings(completion, replies[-1].usage)
    if body.verbose:
        response["__verbose"] = {"prompt": await model.chat.render_prompt(requests[0])}
    return JSONResponse(response)


@router.post(
    "/chat/completions/input_tokens",
    summary="Count the tokens of a conversation",
    responses=RESPONSES,
)
async def count(
    body: Annotated[LlamaChatBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> Counted:
    """The length of the prompt that the model would get."""
    model = services.models.for_chat(body.model)
    chat_request = convert.continue_last_message(
        openai_format.build_chat_requests(body, Sampling())[0]
    )
    tokens = await run_while_connected(request.receive, model.chat.count_tokens(chat_request))
    return Counted(input_tokens=tokens)
