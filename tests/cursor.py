"""Documents with a cursor, written as a person would see them."""

from copilotd.completion.types import Completion, CompletionRequest, Outcome, Shown, Trigger
from copilotd.documents import Document

CURSOR = "║"


def document(
    marked: str, uri: str = "file:///w/a.py", language: str = "python"
) -> tuple[Document, int]:
    """The document that `marked` shows, and the offset of the cursor in it."""
    before, mark, after = marked.partition(CURSOR)
    assert mark, "no cursor in the text"
    return Document(uri=uri, text=before + after, language=language, path=uri[10:]), len(before)


def request(
    marked: str,
    trigger: Trigger = Trigger.INVOKED,
    uri: str = "file:///w/a.py",
    language: str = "python",
    client: str = "test",
) -> CompletionRequest:
    """Ask for a completion at the cursor."""
    shown, offset = document(marked, uri, language)
    return CompletionRequest(shown, offset, trigger, client)


def applied(marked: str, completion: Completion | None) -> str:
    """The document after the completion was accepted, the cursor behind it."""
    assert completion is not None
    text = marked.replace(CURSOR, "")
    return text[: completion.start] + completion.text + CURSOR + text[completion.end :]


def accepted(marked: str, outcome: Outcome) -> str:
    """The document after the outcome's completion was accepted."""
    return applied(marked, completion_of(outcome))


def completion_of(outcome: Outcome) -> Completion:
    """The completion that was shown."""
    assert isinstance(outcome, Shown), outcome.reason
    return outcome.completion
