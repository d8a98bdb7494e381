"""The endpoint."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import Discriminator, Tag

from copilotd.http.openai.completions import convert
from copilotd.http.openai.completions.schema import EXAMPLES, Completion, CompletionBody
from copilotd.http.services import ServicesOf
from copilotd.http.shared.disconnect import while_connected
from copilotd.http.shared.envelope import Envelope
from copilotd.http.shared.error_bodies import RESPONSES
from copilotd.http.shared.parallel import gathered, interleaved
from copilotd.http.shared.sse import STREAMED, EventStream, openai_frames
from copilotd.http.tabby import complete as complete_for_tabby
from copilotd.http.tabby.schema import EXAMPLES as TABBY_EXAMPLES
from copilotd.http.tabby.schema import TabbyBody, TabbyCompletion

router = APIRouter(tags=["OpenAI"])


def _dialect(body: Any) -> str:
    """Tabby's plug-ins use the same path."""
    is_tabbys = isinstance(body, TabbyBody) or (isinstance(body, dict) and "segments" in body)
    return "tabby" if is_tabbys else "openai"


AnyBody = Annotated[
    Annotated[CompletionBody, Tag("openai")] | Annotated[TabbyBody, Tag("tabby")],
    Discriminator(_dialect),
]


@router.post(
    "/v1/completions",
    summary="Continue a text, or fill in its middle",
    response_model=Completion | TabbyCompletion,
    responses=STREAMED | RESPONSES,
)
async def complete(
    body: Annotated[AnyBody, Body(openapi_examples=EXAMPLES | TABBY_EXAMPLES)],
    request: Request,
    services: ServicesOf,
) -> Completion | TabbyCompletion | EventStream:
    """The model writes on from `prompt`; with a `suffix`, it writes what stands between the two.

    The prompt is taken as it is: no chat template is put around it, and control tokens that a
    client wrote out (a rendered FIM prompt, say) are read as tokens.
    """
    if isinstance(body, TabbyBody):
        return await complete_for_tabby(body, request, services)
    model = services.models.for_text(body.model)
    envelope = Envelope.of("cmpl", model.alias)
    wanted = convert.text_requests(body)
    texts = await while_connected(request.receive, convert.prompt_texts(body, model.engine))
    events = interleaved([model.text.generate(one) for one in wanted])
    if body.echo:
        events = convert.echoed(events, texts)
    if body.stream:
        chunks = convert.chunks(body, envelope, events, texts)
        return await EventStream.opened(request, openai_frames(chunks))
    replies = await while_connected(request.receive, gathered(events, len(wanted)))
    return convert.completion(body, envelope, replies, texts)
