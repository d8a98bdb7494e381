"""Converts between Tabby's fields and copilotd's values.

The response has no range. Tabby's agent replaces the closing brackets and quotes after the cursor
that the text closes, and nothing else. So a text that covers other code ends before its own copy of
that code, and there is no choice if it does not fit in front of that code.
"""

import os
import platform
import re
from uuid import uuid4

from copilotd.completion.insert_only import text_to_insert
from copilotd.completion.types import Completion, CompletionRequest, Outcome, Shown
from copilotd.documents import Document
from copilotd.http.tabby.schema import TabbyBody, TabbyChoice, TabbyCompletion, TabbyHealth
from copilotd.serving.registry import ServedModels

_CLOSERS = re.compile(r"[)\]}>\"'`]*")


def build_completion_request(body: TabbyBody) -> CompletionRequest:
    """The completion request.

    Its client name is new each time, so it cancels no other request: Tabby's agent itself cancels
    the requests that it no longer needs. The agent debounces by itself and shows only whole texts.
    It does not say who asked, so the request counts as automatic.
    """
    segments = body.segments
    path = segments.filepath or ""
    text = segments.prefix + (segments.suffix or "")
    document = Document(f"tabby:{path}", text, body.language or "", path=path)
    client = f"tabby-{uuid4().hex}"
    return CompletionRequest(document, len(segments.prefix), client=client, is_patient=True)


def build_completion(request: CompletionRequest, outcome: Outcome) -> TabbyCompletion:
    """The completion as the only choice."""
    completion = outcome.completion if isinstance(outcome, Shown) else None
    text = _find_text(request.document, completion) if completion else ""
    if completion is None or not text:
        return TabbyCompletion(id=f"none-{uuid4().hex}", choices=[])
    return TabbyCompletion(id=completion.id, choices=[TabbyChoice(index=0, text=text)])


def _find_text(document: Document, completion: Completion) -> str:
    replaced = document.text[completion.start : completion.end]
    if _CLOSERS.fullmatch(replaced) and not completion.text.endswith(replaced):
        return completion.text
    return text_to_insert(document, completion)


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
