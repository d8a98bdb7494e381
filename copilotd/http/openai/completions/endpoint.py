"""The endpoint without its route; `copilotd.http.v1_completions` chooses the dialect."""

from fastapi import Request

from copilotd.http.openai.completions import convert
from copilotd.http.openai.completions.schema import Completion, CompletionBody
from copilotd.http.services import Services
from copilotd.http.shared.disconnect import run_while_connected
from copilotd.http.shared.parallel import collect_replies, merge_events
from copilotd.http.shared.response_meta import ResponseMeta
from copilotd.http.shared.sse import EventStream, stream_openai_events


async def complete(
    body: CompletionBody, request: Request, services: Services
) -> Completion | EventStream:
    """Continue the prompt as it is, or fill in the middle if there is a suffix."""
    model = services.models.for_text(body.model)
    meta = ResponseMeta.create("cmpl", model.alias)
    requests = convert.build_text_requests(body)
    texts = await run_while_connected(
        request.receive, convert.fetch_prompt_texts(body, model.engine)
    )
    events = merge_events([model.text.generate(one) for one in requests])
    if body.echo:
        events = convert.prepend_prompts(events, texts)
    if body.stream:
        chunks = convert.stream_chunks(body, meta, events, texts)
        return await EventStream.open(request, stream_openai_events(chunks))
    replies = await run_while_connected(request.receive, collect_replies(events, len(requests)))
    return convert.build_completion(body, meta, replies, texts)
