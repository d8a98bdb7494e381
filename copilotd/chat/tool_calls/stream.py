"""The events of an answer: text, calls and the end."""

from collections.abc import AsyncGenerator

from msgspec.structs import replace

from copilotd.chat.tool_calls.parser import ToolCallParser
from copilotd.engine.types import Chunk, Finished, FinishReason, Usage
from copilotd.prompt.messages import ToolCall

ChatEvent = Chunk | ToolCall | Finished


async def separate_calls(
    events: AsyncGenerator[Chunk | Finished, None], parser: ToolCallParser
) -> AsyncGenerator[ChatEvent, None]:
    """Yield the engine's events, with the calls taken out of the text.

    Log probabilities come before the text they belong to. A repeated call ends the answer: small
    models go on repeating it without end.
    """
    made: set[tuple[str, str]] = set()
    usage = Usage()
    async for event in events:
        if isinstance(event, Finished):
            for text in parser.finish():
                yield Chunk(text)
            yield _name_reason(event) if made else event
            return
        usage = _count_token(event.usage or usage)
        if event.tokens or event.usage:
            yield replace(event, text="")
        for part in parser.push(event.text):
            if isinstance(part, str):
                yield Chunk(part)
            elif (call := (part.name, part.arguments)) not in made:
                made.add(call)
                yield part
            else:
                yield Finished(FinishReason.TOOL_CALLS, usage)
                return


def _name_reason(event: Finished) -> Finished:
    """The end of an answer with calls; an answer that was cut off keeps its reason."""
    is_complete = event.reason is FinishReason.STOP
    return replace(event, reason=FinishReason.TOOL_CALLS) if is_complete else event


def _count_token(usage: Usage) -> Usage:
    """Add one token: the engine sends one chunk for each token."""
    return replace(usage, completion_tokens=usage.completion_tokens + 1)
