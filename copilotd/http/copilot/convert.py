"""Between Copilot's fields and our values."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict

from copilotd.completion.raw_text import TextRequest
from copilotd.documents import Document
from copilotd.engine.types import Finished, FinishReason, ModelInfo, Sampling
from copilotd.http.copilot.indentation import missing_indent
from copilotd.http.copilot.schema import CopilotBody, CopilotChoice, CopilotChunk
from copilotd.http.shared.envelope import Envelope
from copilotd.http.shared.parallel import TextEvents
from copilotd.prompt.budget import Budget
from copilotd.prompt.window import window


def text_requests(body: CopilotBody, budget: Budget, info: ModelInfo) -> list[TextRequest]:
    """One per choice, with the text cut to the budget of our own ghost text.

    The extension sends far more than a CPU reads while somebody waits.
    """
    document = Document("", body.prompt + body.suffix)
    part = window(document, len(body.prompt), budget.prefix_tokens, budget.suffix_tokens)
    # A model that cannot fill in the middle still continues what stands before it.
    fills = None not in (info.fim.prefix, info.fim.suffix)
    request = TextRequest(
        prompt=part.before,
        suffix=part.after if fills else None,
        max_tokens=body.max_tokens or budget.max_tokens,
        sampling=Sampling(temperature=body.temperature, top_p=body.top_p),
        stop=tuple(body.stop),
    )
    return [request] * body.n


async def chunks(
    body: CopilotBody, envelope: Envelope, events: TextEvents
) -> AsyncGenerator[CopilotChunk, None]:
    """The answer in pieces, each choice ending with a piece that says why it ends."""
    indent = missing_indent(body.prompt, body.extra.next_indent)
    begun: set[int] = set()
    async with aclosing(events):
        async for index, event in events:
            if isinstance(event, Finished):
                yield _chunk(envelope, index, "", event.reason)
            elif event.text:
                bare = index not in begun and not event.text[0].isspace()
                begun.add(index)
                yield _chunk(envelope, index, indent * bare + event.text, None)


def _chunk(envelope: Envelope, index: int, text: str, reason: FinishReason | None) -> CopilotChunk:
    choice = CopilotChoice(index=index, text=text, finish_reason=reason)
    return CopilotChunk(**asdict(envelope), choices=[choice])
