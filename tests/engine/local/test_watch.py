import asyncio
from collections.abc import Awaitable, Callable

import pytest

from copilotd.engine.local import watch as module
from copilotd.engine.local.watch import watch
from copilotd.engine.protocol import Pulse
from copilotd.errors import EngineDied

HEALTHY = Pulse(0.5, 10.0)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    monkeypatch.setattr(module, "SILENT_S", 0.05)


async def find_reasons(ping: Callable[[], Awaitable[Pulse]], *, busy: bool = True) -> list[str]:
    """The reports of a watch that ends."""
    reasons: list[str] = []
    await asyncio.wait_for(watch(ping, lambda: busy, reasons.append), 30)
    return reasons


async def test_a_worker_that_does_not_answer_is_stuck() -> None:
    async def ping() -> Pulse:
        await asyncio.Event().wait()
        return HEALTHY

    assert await find_reasons(ping) == ["has not answered for 0 s"]


async def test_a_worker_that_is_at_one_batch_for_too_long_is_stuck() -> None:
    pulses = iter([HEALTHY, Pulse(30.0, 31.0), Pulse(32.0, 31.0)])

    async def ping() -> Pulse:
        return next(pulses)

    assert await find_reasons(ping) == ["has been at one batch for 32 s"]


async def test_a_worker_that_ends_by_itself_is_not_stuck() -> None:
    async def ping() -> Pulse:
        raise EngineDied("it ended")

    assert await find_reasons(ping) == []


async def test_after_the_machine_was_suspended_the_worker_gets_another_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_ASLEEP_S", -1.0)
    pings = 0

    async def ping() -> Pulse:
        nonlocal pings
        pings += 1
        if pings == 3:
            raise EngineDied("it ended")
        await asyncio.Event().wait()
        return HEALTHY

    assert await find_reasons(ping) == []


async def test_an_idle_worker_is_not_disturbed() -> None:
    async def ping() -> Pulse:
        raise AssertionError

    watching = asyncio.create_task(watch(ping, lambda: False, lambda reason: None))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not watching.done()
    watching.cancel()
