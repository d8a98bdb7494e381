"""The route that GitHub Copilot's extension calls."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from copilotd.completion.types import NotShown
from copilotd.http.copilot import convert
from copilotd.http.copilot.schema import EXAMPLES, CopilotBody, CopilotChunk
from copilotd.http.services import Services, ServicesOf
from copilotd.http.shared.error_bodies import RESPONSES
from copilotd.http.shared.response_meta import ResponseMeta
from copilotd.http.shared.sse import EventStream, stream_openai_events

router = APIRouter(tags=["Copilot"])

_STREAM = """\
data: {"id":"cmpl-1","created":1,"choices":[{"index":0,"text":"    r","finish_reason":null}]}

data: {"id":"cmpl-1","created":1,"choices":[{"index":0,"text":"","finish_reason":"stop"}]}

data: [DONE]
"""
_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events with pieces of the choices.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _STREAM}},
    }
}


@router.post(
    "/v1/engines/{engine}/completions",
    summary="Ghost text for GitHub Copilot's extension",
    response_class=Response,
    responses=_STREAMED | RESPONSES,
)
async def complete(
    engine: str,
    body: Annotated[CopilotBody, Body(openapi_examples=EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> EventStream:
    """Fill in the text between `prompt` and `suffix`. Any engine name works.

    The first of the `n` choices is the completion that copilotd's own editors get, by the same
    prompt, filters and cache; `temperature` and `top_p` do not change it. The others are samples of
    the same prompt, by `temperature` and `top_p`, through the same filters. Every choice ends at
    the first of `stop`. A newer request for the same file ends an older one, which gets no text.
    """
    meta = ResponseMeta.create("cmpl", services.models.completion.alias)
    return await EventStream.open(
        request, stream_openai_events(_stream_chunks(body, services, meta))
    )


async def _stream_chunks(
    body: CopilotBody, services: Services, meta: ResponseMeta
) -> AsyncGenerator[CopilotChunk, None]:
    completion = services.completion
    request = convert.build_completion_request(body, services.windows)
    outcome = await completion.complete(request)
    if isinstance(outcome, NotShown) and outcome.error is not None:
        raise outcome.error
    for chunk in convert.build_chunks(meta, 0, convert.find_text(body, outcome)):
        yield chunk
    for index in range(1, body.n):
        sample = await completion.sample(request, convert.build_sampling(body))
        for chunk in convert.build_chunks(meta, index, convert.find_text(body, sample)):
            yield chunk
