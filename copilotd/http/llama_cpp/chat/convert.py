"""Adds to a chat completion in OpenAI's format what llama.cpp's server adds."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from pydantic import BaseModel, RootModel

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.engine.types import Finished, Usage
from copilotd.http.llama_cpp.chat.schema import TimedResponse
from copilotd.http.llama_cpp.timings import Timings
from copilotd.http.shared.chat_completions.schema import ChatChunk
from copilotd.http.shared.parallel import IndexedEvents
from copilotd.prompt.messages import AssistantMessage


class Chunk(RootModel[TimedResponse]):
    """A piece of a response."""


def continue_last_message(request: ChatRequest) -> ChatRequest:
    """The same request, but if its last message is the assistant's, the answer continues it."""
    *before, last = request.messages
    if not isinstance(last, AssistantMessage) or last.calls or not before:
        return request
    return replace(request, messages=tuple(before), answer_prefix=last.content)


def add_timings(response: BaseModel, usage: Usage) -> TimedResponse:
    """The response with its timings."""
    timings = Timings.from_usage(usage).model_dump()
    return response.model_dump(mode="json", exclude_unset=True) | {"timings": timings}


async def record_costs(
    events: IndexedEvents[ChatEvent], costs: list[Usage]
) -> AsyncGenerator[tuple[int, ChatEvent], None]:
    """The same events; when an answer ends, its usage is added to `costs`."""
    async with aclosing(events):
        async for index, event in events:
            if isinstance(event, Finished):
                costs.append(event.usage)
            yield index, event


async def stream_chunks(
    openai_chunks: AsyncGenerator[ChatChunk, None], costs: list[Usage]
) -> AsyncGenerator[Chunk, None]:
    """The chunks as llama.cpp's server sends them: the first has no content, the last timings."""
    async with aclosing(openai_chunks):
        async for chunk in openai_chunks:
            is_last = not chunk.choices or chunk.choices[0].finish_reason is not None
            response = (
                add_timings(chunk, costs[-1])
                if is_last
                else chunk.model_dump(mode="json", exclude_unset=True)
            )
            for choice in response["choices"]:
                if "role" in choice["delta"]:
                    choice["delta"]["content"] = None
            yield Chunk(response)
