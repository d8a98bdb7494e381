"""Newer work for a key cancels and replaces the older work for that key."""

import asyncio

import pytest

from copilotd.completion.superseding import NewestOnly, Superseded


class Work:
    """Work that ends when `gate` is set, and sets `begun` and `ended`."""

    def __init__(self) -> None:
        self.begun, self.gate, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait(self) -> str:
        self.begun.set()
        try:
            await self.gate.wait()
        finally:
            self.ended.set()
        return "done"


async def return_text(text: str) -> str:
    return text


async def test_newer_work_supersedes_older_work_for_its_key() -> None:
    latest, work = NewestOnly(), Work()
    older = asyncio.create_task(latest.run("key", work.wait()))
    await work.begun.wait()
    assert await latest.run("key", return_text("newer")) == "newer"
    with pytest.raises(Superseded):
        await older


async def test_work_for_another_key_goes_on() -> None:
    latest, work = NewestOnly(), Work()
    other = asyncio.create_task(latest.run("other", work.wait()))
    await work.begun.wait()
    await latest.run("key", return_text("newer"))
    work.gate.set()
    assert await other == "done"


async def test_a_cancelled_caller_cancels_its_work_and_gets_cancelled_error() -> None:
    latest, work = NewestOnly(), Work()
    caller = asyncio.create_task(latest.run("key", work.wait()))
    await work.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert work.ended.is_set()
