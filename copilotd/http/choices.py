"""Several generations for one request, side by side."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from copilotd.types import Chunk, Finished, FinishReason, TokenLogprob, Usage

Events = AsyncGenerator[Chunk | Finished, None]
"""One generation."""

IndexedEvents = AsyncGenerator[tuple[int, Chunk | Finished], None]
"""Several generations; each event with the index of its choice."""

_Item = tuple[int, Chunk | Finished | Exception | None]
"""An event, a failure, or the end of the choice with that index."""

_AT_ONCE = 8
"""Generations of one request that are under way together: a long list of prompts must not fill
the engine's queue and so refuse everybody else."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole of one generation."""

    text: str
    tokens: list[TokenLogprob]
    reason: FinishReason
    usage: Usage


async def interleaved(generations: Sequence[Events]) -> IndexedEvents:
    """The events of all generations as they come.

    The first failure ends all of them and is raised; closing this closes all of them.
    """
    queue: asyncio.Queue[_Item] = asyncio.Queue()
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


async def gathered(events: IndexedEvents, count: int) -> list[Reply]:
    """The whole of `count` choices."""
    heard: list[list[Chunk | Finished]] = [[] for _ in range(count)]
    async with aclosing(events):
        async for index, event in events:
            heard[index].append(event)
    return [_reply(events) for events in heard]


def _reply(events: list[Chunk | Finished]) -> Reply:
    chunks = [e for e in events if isinstance(e, Chunk)]
    finished = next(e for e in events if isinstance(e, Finished))
    text = "".join(c.text for c in chunks)
    return Reply(text, [t for c in chunks for t in c.tokens], finished.reason, finished.usage)


async def _pump(
    index: int, events: Events, turn: asyncio.Semaphore, queue: asyncio.Queue[_Item]
) -> None:
    try:
        async with turn, aclosing(events):
            async for event in events:
                queue.put_nowait((index, event))
        queue.put_nowait((index, None))
    except Exception as error:  # carried over to the task that waits for the events
        queue.put_nowait((index, error))
