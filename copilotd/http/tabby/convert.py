"""Converts between Tabby's fields and copilotd's values."""

import os
import platform
from uuid import uuid4

from copilotd.completion.types import CompletionRequest, NotShown, Outcome, Trigger
from copilotd.documents import Document
from copilotd.http.tabby.schema import TabbyBody, TabbyChoice, TabbyCompletion, TabbyHealth
from copilotd.serving.registry import ServedModels


def build_completion_request(body: TabbyBody) -> CompletionRequest:
    """The completion request.

    Its client name is new each time, so it cancels no other request: Tabby's agent itself cancels
    the requests that it no longer needs.
    """
    segments = body.segments
    path = segments.filepath or ""
    text = segments.prefix + (segments.suffix or "")
    document = Document(f"tabby:{path}", text, body.language or "", path=path)
    return CompletionRequest(
        document, len(segments.prefix), Trigger.INVOKED, f"tabby-{uuid4().hex}"
    )


def build_completion(outcome: Outcome) -> TabbyCompletion:
    """The completion as the only choice."""
    if isinstance(outcome, NotShown):
        return TabbyCompletion(id=f"none-{uuid4().hex}", choices=[])
    completion = outcome.completion
    return TabbyCompletion(id=completion.id, choices=[TabbyChoice(index=0, text=completion.text)])


def build_health(models: ServedModels, status: str) -> TabbyHealth:
    """Facts about the models and the machine."""
    return TabbyHealth(
        status=status,
        model=models.completion.alias,
        chat_model=models.chat.alias,
        device="cpu",
        arch=platform.machine(),
        cpu_info=platform.processor() or platform.machine(),
        cpu_count=os.cpu_count() or 1,
    )
