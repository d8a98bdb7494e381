"""Converts between the fields of /infill and copilotd's values.

The response has no range, and the plugins only insert at the cursor. So the content ends before its
own copy of the code after the cursor, and is empty if it does not fit in front of that code.
"""

from copilotd.completion.insert_only import text_to_insert
from copilotd.completion.types import CompletionRequest, Explanation, Outcome, Shown
from copilotd.documents import Document, Snippet
from copilotd.engine.types import Usage
from copilotd.http.llama_cpp.infill.schema import Infill, InfillBody
from copilotd.http.llama_cpp.timings import Timings

URI = "infill:"
"""The plugins do not name the file, so all requests share this URI, and a newer one replaces an
older one."""


def build_completion_request(body: InfillBody) -> CompletionRequest:
    """The cursor in the part of the file that the plugin sends.

    A plugin debounces by itself and shows nothing before the response is complete. It does not say
    who asked, so the request counts as automatic.
    """
    before = body.input_prefix + body.prompt
    snippets = tuple(Snippet(chunk.filename, chunk.text) for chunk in body.input_extra)
    document = Document(URI, before + body.input_suffix, snippets=snippets)
    return CompletionRequest(document, len(before), client=URI, is_patient=True)


def build_infill(request: CompletionRequest, outcome: Outcome, model: str) -> Infill:
    """The response; without a completion its content is empty."""
    completion = outcome.completion if isinstance(outcome, Shown) else None
    explanation = outcome.explanation
    return Infill(
        content=text_to_insert(request.document, completion) if completion else "",
        model=model,
        tokens_evaluated=explanation.prompt_tokens,
        tokens_predicted=explanation.completion_tokens,
        tokens_cached=explanation.cached_tokens,
        timings=Timings.from_usage(_to_usage(explanation)),
    )


def _to_usage(explanation: Explanation) -> Usage:
    return Usage(
        prompt_tokens=explanation.prompt_tokens,
        cached_tokens=explanation.cached_tokens,
        completion_tokens=explanation.completion_tokens,
        prefill_ms=explanation.first_token_ms,
        decode_ms=max(0.0, explanation.total_ms - explanation.first_token_ms),
    )
