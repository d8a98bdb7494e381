"""Between the fields of /infill and copilotd's values."""

from copilotd.completion.insert_only import text_to_insert
from copilotd.completion.types import CompletionRequest, Explanation, Outcome, Shown, Trigger
from copilotd.documents import Document, Snippet
from copilotd.engine.types import Usage
from copilotd.http.llama_cpp.infill.schema import Infill, InfillBody
from copilotd.http.llama_cpp.timings import Timings

URI = "infill:"
"""The plugins do not name the file, so all requests share this URI, and a newer one replaces an
older one."""


def completion_request(body: InfillBody) -> CompletionRequest:
    """The cursor in the part of the file that the plugin sends.

    A plugin shows nothing before the response is complete, so the completion is not streamed.
    """
    before = body.input_prefix + body.prompt
    snippets = tuple(Snippet(chunk.filename, chunk.text) for chunk in body.input_extra)
    document = Document(URI, before + body.input_suffix, snippets=snippets)
    return CompletionRequest(document, len(before), Trigger.INVOKED, client=URI)


def infill(request: CompletionRequest, outcome: Outcome, model: str) -> Infill:
    """The response; without a completion its content is empty."""
    found, told = outcome.completion if isinstance(outcome, Shown) else None, outcome.explanation
    return Infill(
        content=text_to_insert(request.document, found)[0] if found else "",
        model=model,
        tokens_evaluated=told.prompt_tokens,
        tokens_predicted=told.completion_tokens,
        tokens_cached=told.cached_tokens,
        timings=Timings.of(_usage(told)),
    )


def _usage(told: Explanation) -> Usage:
    return Usage(
        prompt_tokens=told.prompt_tokens,
        cached_tokens=told.cached_tokens,
        completion_tokens=told.completion_tokens,
        prefill_ms=told.first_token_ms,
        decode_ms=max(0.0, told.total_ms - told.first_token_ms),
    )
