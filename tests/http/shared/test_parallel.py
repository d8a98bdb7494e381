import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from copilotd.engine.types import Chunk, Finished, FinishReason, Usage
from copilotd.errors import EngineDied
from copilotd.http.shared.parallel import Reply, collect_replies, merge_events
from tests.http.fake_engines import STOP


async def says(text: str) -> AsyncGenerator[Chunk | Finished, None]:
    for character in text:
        yield Chunk(character)
    yield STOP


async def test_collected_replies_are_in_the_order_of_the_choices() -> None:
    replies = await collect_replies(merge_events([says("long"), says("x"), says("")]), 3)

    usage = Usage(prompt_tokens=5, cached_tokens=3, completion_tokens=2)
    assert replies == [Reply(text, [], [], FinishReason.STOP, usage) for text in ("long", "x", "")]


async def test_at_most_eight_generations_run_at_a_time() -> None:
    started, gate = 0, asyncio.Event()

    async def counted() -> AsyncGenerator[Chunk | Finished, None]:
        nonlocal started
        started += 1
        await gate.wait()
        yield STOP

    async with asyncio.TaskGroup() as group:
        work = group.create_task(collect_replies(merge_events([counted() for _ in range(20)]), 20))
        # Counts turns of the event loop, because time says little on a busy machine.
        for _ in range(100):
            await asyncio.sleep(0)
        at_once = started
        gate.set()

    assert (at_once, len(work.result())) == (8, 20)


async def test_closing_ends_every_generation() -> None:
    ended: list[int] = []

    async def endless(index: int) -> AsyncGenerator[Chunk | Finished, None]:
        try:
            yield Chunk("x")
            await asyncio.Event().wait()
        finally:
            ended.append(index)

    async with aclosing(merge_events([endless(0), endless(1)])) as events:
        first_two = [await anext(events), await anext(events)]

    assert first_two == [(0, Chunk("x")), (1, Chunk("x"))]
    assert sorted(ended) == [0, 1]


async def test_the_first_failure_is_raised() -> None:
    async def fails() -> AsyncGenerator[Chunk | Finished, None]:
        yield Chunk("x")
        raise EngineDied("the worker ended")

    with pytest.raises(EngineDied):
        await collect_replies(merge_events([says("abc"), fails()]), 2)
