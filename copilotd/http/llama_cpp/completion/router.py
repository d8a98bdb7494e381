"""The route of /completion, under its two names."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from copilotd.http.llama_cpp.completion import convert
from copilotd.http.llama_cpp.completion.schema import EXAMPLES, Completion, CompletionBody
from copilotd.http.llama_cpp.errors import RESPONSES, write_llama_cpp_error
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.shared.parallel import collect_replies, merge_events
from copilotd.http.shared.sse import STREAMED, EventStream, stream_events

router = APIRouter(tags=["llama.cpp"])

_SUCCESS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Completion,
        "description": "The response, or a list of them; with `stream`, server-sent events with "
        "their pieces.",
        "content": STREAMED[200]["content"],
    }
}


@router.post("/completions", include_in_schema=False, response_model=None)
@router.post(
    "/completion",
    summary="Continue a text",
    response_model=None,
    responses=_SUCCESS | RESPONSES,
)
async def complete(
    body: Annotated[CompletionBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> JSONResponse | EventStream:
    """The model continues `prompt`; control tokens in it are parsed as tokens.

    Several prompts (or `n_cmpl`) give a list of completions. The settings have the defaults.
    """
    model = services.models.for_text(None)
    preparing = convert.prepare_requests(body, model, services.llama_cpp)
    prepared = await run_while_connected(request.receive, preparing)
    events = merge_events([model.text.generate(one.request) for one in prepared])
    if body.stream:
        pieces = convert.stream_pieces(body, prepared, events)
        return await EventStream.open(request, stream_events(pieces, write_llama_cpp_error))
    replies = await run_while_connected(request.receive, collect_replies(events, len(prepared)))
    completions = [
        convert.build_response(body, i, one, reply)
        for i, (one, reply) in enumerate(zip(prepared, replies, strict=True))
    ]
    return JSONResponse(completions[0] if len(completions) == 1 else completions)
