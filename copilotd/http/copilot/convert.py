"""Converts between Copilot's fields and copilotd's values.

The extension's request differs from an editor's in these ways:

- There is no document URI, so the path in `extra.context` is used. `SlidingDocuments` adds the text
  that earlier requests had in front of `prompt`, so that a place keeps its offset.
- `suffix` begins with the next line that is not blank, so a line end is put in front of it. Code
  after the cursor on its line is unknown here.
- The blanks of a blank line are left out of `prompt`, and the extension replaces the line from
  column 0, so the text must have the indentation (see `indentation.py`).
- The response has no range. The extension itself compares the text with the rest of the line, and
  replaces the characters that both have.
"""

from dataclasses import asdict

from copilotd.completion.sliding_document import SlidingDocuments
from copilotd.completion.types import CompletionRequest, Outcome, Shown, Trigger
from copilotd.documents import Document
from copilotd.engine.types import FinishReason, Sampling
from copilotd.http.copilot.indentation import find_missing_indent
from copilotd.http.copilot.schema import CopilotBody, CopilotChoice, CopilotChunk
from copilotd.http.shared.response_meta import ResponseMeta

CLIENT = "copilot"
_PATH = "Path: "
_TEMPERATURE = 0.2
"""The sampling fields that the extension sends for its alternatives."""


def build_completion_request(body: CopilotBody, documents: SlidingDocuments) -> CompletionRequest:
    """The request at the cursor between `prompt` and `suffix`.

    The extension debounces by itself and shows only whole texts, so the whole text is awaited. It
    does not say who asked: several choices are for a user who cycles through them with a key, and
    one choice is automatic.
    """
    path = _find_path(body.extra.context)
    suffix = body.suffix if body.suffix[:1] in ("", "\n", "\r") else "\n" + body.suffix
    window = Document(f"copilot:{path}", body.prompt + suffix, body.extra.language, path=path)
    document, offset = documents.place(window, len(body.prompt))
    trigger = Trigger.INVOKED if body.n > 1 else Trigger.AUTOMATIC
    return CompletionRequest(document, offset, trigger, CLIENT, body.max_tokens, is_patient=True)


def build_sampling(body: CopilotBody) -> Sampling:
    """How the choices after the first one are sampled."""
    return Sampling(temperature=body.temperature or _TEMPERATURE, top_p=body.top_p)


def find_text(body: CopilotBody, outcome: Outcome) -> str:
    """The text that the extension inserts, cut at the first of `stop`; empty if there is none."""
    if not isinstance(outcome, Shown):
        return ""
    text = outcome.completion.text
    ends = [end for stop in body.stop if stop and (end := text.find(stop)) >= 0]
    text = text[: min(ends, default=len(text))]
    if not text or text[0].isspace():
        return text
    return find_missing_indent(body.prompt, body.extra.next_indent) + text


def build_chunks(meta: ResponseMeta, index: int, text: str) -> list[CopilotChunk]:
    """A choice: its text, if there is any, and a chunk that ends it."""
    end = _build_chunk(meta, index, "", FinishReason.STOP)
    return [_build_chunk(meta, index, text, None), end] if text else [end]


def _find_path(context: list[str]) -> str:
    paths = (item.removeprefix(_PATH) for item in context if item.startswith(_PATH))
    return next(paths, "").partition("\n")[0]


def _build_chunk(
    meta: ResponseMeta, index: int, text: str, reason: FinishReason | None
) -> CopilotChunk:
    choice = CopilotChoice(index=index, text=text, finish_reason=reason)
    return CopilotChunk(**asdict(meta), choices=[choice])
