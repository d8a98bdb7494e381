"""Between Tabby's fields and our values."""

import os
import platform
from uuid import uuid4

from copilotd.completion.types import CompletionRequest, Outcome, Trigger
from copilotd.documents import Document
from copilotd.http.tabby.schema import TabbyBody, TabbyChoice, TabbyCompletion, TabbyHealth
from copilotd.serving.registry import ServedModels


def completion_request(body: TabbyBody) -> CompletionRequest:
    """A request of its own client: Tabby's agent calls back by itself what it no longer wants."""
    segments = body.segments
    path = segments.filepath or ""
    text = segments.prefix + (segments.suffix or "")
    document = Document(f"tabby:{path}", text, body.language or "", path=path)
    return CompletionRequest(
        document, len(segments.prefix), Trigger.INVOKED, f"tabby-{uuid4().hex}"
    )


def completion(outcome: Outcome) -> TabbyCompletion:
    """The ghost text as the only choice."""
    made = outcome.completion
    if made is None:
        return TabbyCompletion(id=f"none-{uuid4().hex}", choices=[])
    return TabbyCompletion(id=made.id, choices=[TabbyChoice(index=0, text=made.text)])


def health(models: ServedModels, status: str) -> TabbyHealth:
    """The models and the machine."""
    return TabbyHealth(
        status=status,
        model=models.completion.alias,
        chat_model=models.chat.alias,
        device="cpu",
        arch=platform.machine(),
        cpu_info=platform.processor() or platform.machine(),
        cpu_count=os.cpu_count() or 1,
    )
