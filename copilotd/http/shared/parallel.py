"""The generations of one request, which run in parallel."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from copilotd.chat.tool_calls.stream import ChatEvent
from copilotd.engine.types import Chunk, Finished, FinishReason, TokenLogprob, Usage
from copilotd.prompt.messages import ToolCall

E = TypeVar("E", bound=ChatEvent)

IndexedEvents = AsyncGenerator[tuple[int, E], None]
"""Several generations; each event with the index of its choice."""

TextEvents = IndexedEvents[Chunk | Finished]
"""As `IndexedEvents`, for generations without tool calls."""

_Item = tuple[int, E | Exception | None]
"""An event, a failure, or the end of the choice with that index."""

_MAX_PARALLEL = 8
"""Generations of one request that run at a time: a long list of prompts must not fill the engine's
queue, because the engine would then refuse all other requests."""

_MAX_QUEUED = 16
"""Events that may wait for a client; beyond that, the generations wait for it too."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole output of one generation; `stop` is the text that ended it."""

    text: str
    tokens: list[TokenLogprob]
    calls: list[ToolCall]
    reason: FinishReason
    usage: Usage
    stop: str = ""


async def merge_events(generations: Sequence[AsyncGenerator[E, None]]) -> IndexedEvents[E]:
    """The events of all generations, in the order of their arrival.

    The first failure ends all generations and is raised; closing this closes all generations.
    """
    queue: asyncio.Queue[_Item[E]] = asyncio.Queue(_MAX_QUEUED)
    limit = asyncio.Semaphore(_MAX_PARALLEL)
    tasks = [asyncio.create_task(_forward(i, g, limit, queue)) for i, g in enumerate(generations)]
    running = len(tasks)
    try:
        while running:
            index, event = await queue.get()
            if isinstance(event, Exception):
                raise event
            if event is None:
                running -= 1
            else:
                yield index, event
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def collect_replies(events: IndexedEvents[ChatEvent], count: int) -> list[Reply]:
    """The whole output of each of `count` choices."""
    by_choice: list[list[ChatEvent]] = [[] for _ in range(count)]
    async with aclosing(events):
        async for index, event in events:
            by_choice[index].append(event)
    return [_build_reply(events) for events in by_choice]


def _build_reply(events: list[ChatEvent]) -> Reply:
    chunks = [e for e in events if isinstance(e, Chunk)]
    finished = next(e for e in events if isinstance(e, Finished))
    text = "".join(c.text for c in chunks)
    tokens = [token for chunk in chunks for token in chunk.tokens]
    calls = [event for event in events if isinstance(event, ToolCall)]
    return Reply(text, tokens, calls, finished.reason, finished.usage, finished.stop_text)


async def _forward(
    index: int,
    events: AsyncGenerator[E, None],
    limit: asyncio.Semaphore,
    queue: asyncio.Queue[_Item[E]],
) -> None:
    try:
        async with limit, aclosing(events):
            async for event in events:
                await queue.put((index, event))
        await queue.put((index, None))
    except Exception as error:  # `merge_events` raises it in the task that reads the events
        await queue.put((index, error))
