"""What llama.cpp's server adds to an answer of OpenAI's."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from pydantic import BaseModel, RootModel

from copilotd.chat.service import ChatRequest
from copilotd.chat.tool_calls.stream import Heard
from copilotd.engine.types import Finished, Usage
from copilotd.http.llama_cpp.chat.schema import Answer
from copilotd.http.llama_cpp.timings import Timings
from copilotd.http.openai.chat.schema import ChatChunk
from copilotd.http.shared.parallel import IndexedEvents


class Chunk(RootModel[Answer]):
    """A piece of an answer."""


def continued(request: ChatRequest) -> ChatRequest:
    """The same conversation; what the assistant has begun to say is where its answer begins."""
    *before, last = request.messages
    if last.role != "assistant" or last.extra or not before:
        return request
    return replace(request, messages=tuple(before), opening=last.content)


def timed(answer: BaseModel, usage: Usage) -> Answer:
    """The answer with its timings."""
    told = Timings.of(usage).model_dump()
    return answer.model_dump(mode="json", exclude_unset=True) | {"timings": told}


async def noted(
    events: IndexedEvents[Heard], costs: list[Usage]
) -> AsyncGenerator[tuple[int, Heard], None]:
    """The same events; what each answer cost goes into `costs` as it ends."""
    async with aclosing(events):
        async for index, event in events:
            if isinstance(event, Finished):
                costs.append(event.usage)
            yield index, event


async def chunks(
    sent: AsyncGenerator[ChatChunk, None], costs: list[Usage]
) -> AsyncGenerator[Chunk, None]:
    """The pieces as llama.cpp's server has them: the first has no content, the last timings."""
    async with aclosing(sent):
        async for chunk in sent:
            is_last = not chunk.choices or chunk.choices[0].finish_reason is not None
            answer = (
                timed(chunk, costs[-1])
                if is_last
                else chunk.model_dump(mode="json", exclude_unset=True)
            )
            for choice in answer["choices"]:
                if "role" in choice["delta"]:
                    choice["delta"]["content"] = None
            yield Chunk(answer)
