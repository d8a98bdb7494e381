"""A calibration of the real model. Its values depend on the machine: tests check relations only."""

from contextlib import aclosing

import pytest

from copilotd.engine.local.client import EngineClient
from copilotd.engine.performance import Calibration, CalibrationProgress, Setup
from copilotd.engine.types import Chunk, GenerateRequest, Lane
from copilotd.engine.worker.calibration.plan import BATCHES

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]


async def generate(engine: EngineClient, prompt: str) -> str:
    request = GenerateRequest(await engine.tokenize(prompt), 8, lane=Lane.COMPLETION)
    async with aclosing(engine.generate(request)) as events:
        return "".join([event.text async for event in events if isinstance(event, Chunk)])


async def test_a_calibration_is_plausible_and_a_completion_interrupts_it(
    engine: EngineClient,
) -> None:
    prompt = "def add(a, b):\n    return a"
    expected = await generate(engine, prompt)
    fractions: list[float] = []
    results: list[Calibration] = []
    async with aclosing(engine.calibrate(Setup(), 0.0, wait_for_idle_cpu=False)) as steps:
        async for step in steps:
            if isinstance(step, CalibrationProgress):
                fractions.append(step.fraction)
            else:
                results.append(step)
            if len(fractions) == 5:
                assert await generate(engine, prompt) == expected
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
    assert await generate(engine, prompt) == expected


async def test_requested_settings_are_not_varied(engine: EngineClient) -> None:
    requested = Setup(flash_attention="on", n_threads=1, n_threads_batch=1)

    async with aclosing(engine.calibrate(requested, 0.0, wait_for_idle_cpu=False)) as steps:
        (calibration,) = [step async for step in steps if isinstance(step, Calibration)]

    settings = {(m.setup.flash_attention, m.setup.n_threads) for m in calibration.measurements}
    assert settings == {("on", 1)}
