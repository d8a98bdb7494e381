"""The endpoint."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from copilotd.http.copilot import convert
from copilotd.http.copilot.schema import EXAMPLES, CopilotBody
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.envelope import Envelope
from copilotd.http.shared.error_bodies import RESPONSES
from copilotd.http.shared.parallel import interleaved
from copilotd.http.shared.sse import EventStream, openai_frames

router = APIRouter(tags=["Copilot"])

_STREAM = """\
data: {"id":"cmpl-1","created":1,"choices":[{"index":0,"text":"    r","finish_reason":null}]}

data: {"id":"cmpl-1","created":1,"choices":[{"index":0,"text":"","finish_reason":"stop"}]}

data: [DONE]
"""
_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The choices in pieces, as server-sent events.",
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
    """Fill in what stands between `prompt` and `suffix`. Any engine name will do."""
    model = services.models.completion
    info = await while_connected(request.receive, model.text.info())
    wanted = convert.text_requests(body, services.completion.budget, info)
    events = interleaved([model.text.generate(one) for one in wanted])
    envelope = Envelope.of("cmpl", model.alias)
    chunks = convert.chunks(body, envelope, events)
    return await EventStream.opened(request, openai_frames(chunks))
