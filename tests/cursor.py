"""Write documents with a visible cursor in tests, and accept completions in them."""

from copilotd.completion.types import Completion, CompletionRequest, Outcome, Shown, Trigger
from copilotd.documents import Document

CURSOR = "║"


def parse_document(
    marked: str, uri: str = "file:///w/a.py", language: str = "python"
) -> tuple[Document, int]:
    """Return the document in `marked` without the cursor mark, and the offset of the cursor."""
    before, mark, after = marked.partition(CURSOR)
    assert mark, "no cursor in the text"
    return Document(uri=uri, text=before + after, language=language, path=uri[10:]), len(before)


def build_request(
    marked: str,
    trigger: Trigger = Trigger.INVOKED,
    uri: str = "file:///w/a.py",
    language: str = "python",
    client: str = "test",
) -> CompletionRequest:
    """Build a request for a completion at the cursor."""
    shown, offset = parse_document(marked, uri, language)
    return CompletionRequest(shown, offset, trigger, client)


def apply_completion(marked: str, completion: Completion | None) -> str:
    """Return the text after the completion is accepted, with the cursor after the completion."""
    assert completion is not None
    text = marked.replace(CURSOR, "")
    return text[: completion.start] + completion.text + CURSOR + text[completion.end :]


def accept_outcome(marked: str, outcome: Outcome) -> str:
    """Return the text after the completion of the outcome is accepted."""
    return apply_completion(marked, get_completion(outcome))


def get_completion(outcome: Outcome) -> Completion:
    """Return the completion of an outcome that shows one."""
    assert isinstance(outcome, Shown), outcome.reason
    return outcome.completion
