"""An answer in which calls are told from text."""

from collections.abc import AsyncGenerator

from msgspec.structs import replace

from copilotd.chat.tool_calls.parser import CallReader
from copilotd.engine.types import Chunk, Finished, FinishReason, Usage
from copilotd.prompt.messages import ToolCall

Heard = Chunk | ToolCall | Finished
"""What an answer consists of."""


async def told(
    events: AsyncGenerator[Chunk | Finished, None], reader: CallReader
) -> AsyncGenerator[Heard, None]:
    """The events with the calls in them; log probabilities come with the text they belong to.

    A call that was made already ends the answer: small models go on repeating it without end.
    """
    made: set[tuple[str, str]] = set()
    usage = Usage()
    async for event in events:
        if isinstance(event, Finished):
            for text in reader.finish():
                yield Chunk(text)
            yield _ended(event) if made else event
            return
        usage = _more(event.usage or usage)
        if event.tokens or event.usage:
            yield replace(event, text="")
        for one in reader.push(event.text):
            if isinstance(one, str):
                yield Chunk(one)
            elif (call := (one.name, one.arguments)) not in made:
                made.add(call)
                yield one
            else:
                yield Finished(FinishReason.TOOL_CALLS, usage)
                return


def _ended(event: Finished) -> Finished:
    is_whole = event.reason is FinishReason.STOP
    return replace(event, reason=FinishReason.TOOL_CALLS) if is_whole else event


def _more(usage: Usage) -> Usage:
    """With one more token: pieces come token by token."""
    return replace(usage, completion_tokens=usage.completion_tokens + 1)
