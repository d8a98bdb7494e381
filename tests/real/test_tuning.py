"""A calibration of the real model; what it finds depends on the machine, so only relations hold."""

from contextlib import aclosing

import pytest

from copilotd.engine.local.client import EngineClient
from copilotd.engine.performance import Calibration, Measuring, Setup
from copilotd.engine.types import Chunk, GenerateRequest, Lane
from copilotd.engine.worker.calibration.plan import BATCHES

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]


async def text(engine: EngineClient, prompt: str) -> str:
    request = GenerateRequest(await engine.tokenize(prompt), 8, lane=Lane.COMPLETION)
    async with aclosing(engine.generate(request)) as events:
        return "".join([event.text async for event in events if isinstance(event, Chunk)])


async def test_a_calibration_is_sane_and_lets_a_completion_go_first(engine: EngineClient) -> None:
    prompt = "def add(a, b):\n    return a"
    expected = await text(engine, prompt)
    fractions: list[float] = []
    results: list[Calibration] = []
    async with aclosing(engine.calibrate(Setup(), 0.0, patient=False)) as steps:
        async for step in steps:
            if isinstance(step, Measuring):
                fractions.append(step.fraction)
            else:
                results.append(step)
            if len(fractions) == 5:
                assert await text(engine, prompt) == expected
                assert not results

    (calibration,) = results
    assert fractions == sorted(fractions)
    chosen, speed = calibration.chosen, calibration.speed
    assert calibration.default.kv_type == chosen.kv_type == "f16"
    assert all(n > 0 for n in (chosen.n_threads, chosen.n_threads_batch, chosen.n_ubatch))
    assert set(speed.decode) == {100, 1000} and 32 in speed.prefill
    assert min(*speed.prefill.values(), *speed.decode.values()) > 0
    assert tuple(speed.batch) == BATCHES
    assert list(speed.batch.values()) == sorted(speed.batch.values())
    assert all(cost >= 1 for cost in speed.batch.values())
    assert {m.setup for m in calibration.measurements} >= {calibration.default, chosen}
    assert await text(engine, prompt) == expected


async def test_what_is_decided_is_measured_as_it_is(engine: EngineClient) -> None:
    asked = Setup(flash_attention="on", n_threads=1, n_threads_batch=1)

    async with aclosing(engine.calibrate(asked, 0.0, patient=False)) as steps:
        (calibration,) = [step async for step in steps if isinstance(step, Calibration)]

    ways = {(m.setup.flash_attention, m.setup.n_threads) for m in calibration.measurements}
    assert ways == {("on", 1)}
