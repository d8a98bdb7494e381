"""Between the fields of /infill and our values."""

from copilotd.completion.addition import addition
from copilotd.completion.types import CompletionRequest, Explanation, Outcome, Trigger
from copilotd.documents import Document, Snippet
from copilotd.engine.types import Usage
from copilotd.http.llama_cpp.infill.schema import Infill, InfillBody
from copilotd.http.llama_cpp.timings import Timings

URI = "infill:"
"""The plugins do not name the file: a newer request takes the place of whatever went before."""


def completion_request(body: InfillBody) -> CompletionRequest:
    """The cursor in what is known of the file; a plugin waits for the whole, so all is written."""
    before = body.input_prefix + body.prompt
    snippets = tuple(Snippet(chunk.filename, chunk.text) for chunk in body.input_extra)
    document = Document(URI, before + body.input_suffix, snippets=snippets)
    return CompletionRequest(document, len(before), Trigger.INVOKED, client=URI)


def infill(request: CompletionRequest, outcome: Outcome, model: str) -> Infill:
    """The answer; without a suggestion its content is empty."""
    found, told = outcome.completion, outcome.explanation
    return Infill(
        content=addition(request.document, found)[0] if found else "",
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
