"""Newer work of one key takes the older one's place."""

import asyncio

import pytest

from copilotd.completion.latest import Latest, Superseded


async def test_newer_work_supersedes_older_work_of_its_key() -> None:
    latest, never = Latest(), asyncio.Event()
    older = asyncio.create_task(latest.run("key", never.wait()))
    await asyncio.sleep(0)
    assert await latest.run("key", asyncio.sleep(0, "newer")) == "newer"
    with pytest.raises(Superseded):
        await older


async def test_work_of_another_key_goes_on() -> None:
    latest, gate = Latest(), asyncio.Event()
    other = asyncio.create_task(latest.run("other", gate.wait()))
    await asyncio.sleep(0)
    await latest.run("key", asyncio.sleep(0))
    gate.set()
    assert await other is True


async def test_a_cancelled_caller_cancels_its_work_and_sees_a_cancellation() -> None:
    latest, ended = Latest(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    caller = asyncio.create_task(latest.run("key", work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()
