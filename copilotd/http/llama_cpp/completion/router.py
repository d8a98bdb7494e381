"""The endpoint, under its two names."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from copilotd.http.llama_cpp.completion import convert
from copilotd.http.llama_cpp.completion.schema import EXAMPLES, Completion, CompletionBody
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.error_bodies import LLAMA_CPP_RESPONSES
from copilotd.http.shared.errors import failure
from copilotd.http.shared.parallel import gathered, interleaved
from copilotd.http.shared.sse import STREAMED, EventStream, frames

router = APIRouter(tags=["llama.cpp"])

_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Completion,
        "description": "The answer, or a list of them; with `stream` in pieces, as server-sent "
        "events.",
        "content": STREAMED[200]["content"],
    }
}


@router.post("/completions", include_in_schema=False, response_model=None)
@router.post(
    "/completion",
    summary="Continue a text",
    response_model=None,
    responses=_ANSWER | LLAMA_CPP_RESPONSES,
)
async def complete(
    body: Annotated[CompletionBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> JSONResponse | EventStream:
    """The model writes on from `prompt`, in which control tokens are read as such.

    Several prompts (or `n_cmpl`) give a list of answers. Everything that is not a field of the
    request is as the settings say.
    """
    model = services.models.for_text(None)
    asking = convert.wanted(body, model, services.llama_cpp)
    asked = await while_connected(request.receive, asking)
    events = interleaved([model.text.generate(one.request) for one in asked])
    if body.stream:
        sent = frames(convert.pieces(body, asked, events), _failed)
        return await EventStream.opened(request, sent)
    replies = await while_connected(request.receive, gathered(events, len(asked)))
    answers = [
        convert.completion(body, i, one, reply)
        for i, (one, reply) in enumerate(zip(asked, replies, strict=True))
    ]
    return JSONResponse(answers[0] if len(answers) == 1 else answers)


def _failed(error: Exception) -> str:
    return failure("/completion", error).model_dump_json(exclude_unset=True)
