"""Several generations for one request, side by side."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from copilotd.chat.tool_calls.stream import Heard
from copilotd.engine.types import Chunk, Finished, FinishReason, TokenLogprob, Usage
from copilotd.prompt.messages import ToolCall

E = TypeVar("E", bound=Heard)

IndexedEvents = AsyncGenerator[tuple[int, E], None]
"""Several generations; each event with the index of its choice."""

TextEvents = IndexedEvents[Chunk | Finished]
"""The same where nothing can be called."""

_Item = tuple[int, E | Exception | None]
"""An event, a failure, or the end of the choice with that index."""

_AT_ONCE = 8
"""Generations of one request that are under way together: a long list of prompts must not fill
the engine's queue and so refuse everybody else."""

_AHEAD = 16
"""Events that may wait for a client; then the generations wait for it too."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole of one generation; `stop` is the text that ended it."""

    text: str
    tokens: list[TokenLogprob]
    calls: list[ToolCall]
    reason: FinishReason
    usage: Usage
    stop: str = ""


async def interleaved(generations: Sequence[AsyncGenerator[E, None]]) -> IndexedEvents[E]:
    """The events of all generations as they come.

    The first failure ends all of them and is raised; closing this closes all of them.
    """
    queue: asyncio.Queue[_Item[E]] = asyncio.Queue(_AHEAD)
    turn = asyncio.Semaphore(_AT_ONCE)
    tasks = [asyncio.create_task(_pump(i, g, turn, queue)) for i, g in enumerate(generations)]
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


async def gathered(events: IndexedEvents[Heard], count: int) -> list[Reply]:
    """The whole of `count` choices."""
    heard: list[list[Heard]] = [[] for _ in range(count)]
    async with aclosing(events):
        async for index, event in events:
            heard[index].append(event)
    return [_reply(events) for events in heard]


def _reply(events: list[Heard]) -> Reply:
    chunks = [e for e in events if isinstance(e, Chunk)]
    finished = next(e for e in events if isinstance(e, Finished))
    text = "".join(c.text for c in chunks)
    tokens = [token for chunk in chunks for token in chunk.tokens]
    calls = [event for event in events if isinstance(event, ToolCall)]
    return Reply(text, tokens, calls, finished.reason, finished.usage, finished.stop)


async def _pump(
    index: int,
    events: AsyncGenerator[E, None],
    turn: asyncio.Semaphore,
    queue: asyncio.Queue[_Item[E]],
) -> None:
    try:
        async with turn, aclosing(events):
            async for event in events:
                await queue.put((index, event))
        await queue.put((index, None))
    except Exception as error:  # carried over to the task that waits for the events
        await queue.put((index, error))
