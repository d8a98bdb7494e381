"""The KV cache of the real model outlives its worker."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from copilotd.config import EngineSection
from copilotd.engine.local.client import EngineClient
from copilotd.engine.local.supervisor import StateListener
from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.types import Chunk, EngineState, Finished, GenerateRequest, Lane, Phase
from tests.real.conftest import MODEL

pytestmark = pytest.mark.model


def make_engine(folder: Path, model: Path, idle_minutes: float = 0.0) -> EngineClient:
    async def provision(report: StateListener) -> WorkerSpec:
        return WorkerSpec(str(model), MODEL, disk_tier_path=str(folder), disk_tier_bytes=2**30)

    return EngineClient(provision, EngineSection(idle_minutes=idle_minutes))


async def generate(
    engine: EngineClient, prompt: list[int], lane: Lane = Lane.COMPLETION, n: int = 12
) -> tuple[str, int]:
    """Return the generated text, and how many tokens of the prompt were in the cache."""
    text = ""
    async with aclosing(engine.generate(GenerateRequest(prompt, n, lane=lane))) as events:
        async for event in events:
            if isinstance(event, Finished):
                return text, event.usage.cached_tokens
            assert isinstance(event, Chunk)
            text += event.text
    raise AssertionError("a generation ends with Finished")


async def make_prompt(engine: EngineClient, text: str, length: int) -> list[int]:
    return (await engine.tokenize(text * 400))[:length]


async def test_after_a_restart_a_known_prompt_is_in_the_cache_and_gives_the_same_text(
    model_path: Path, tmp_path: Path
) -> None:
    engine = make_engine(tmp_path, model_path)
    prompt = await make_prompt(engine, "value = compute(first, second) + 1\n", 500)
    before, cached = await generate(engine, prompt)
    assert cached == 0
    await engine.close()
    engine = make_engine(tmp_path, model_path)
    assert await engine.cached_prefix_length(prompt) == 499
    assert await engine.cached_prefix_length(prompt[1:]) < 250
    assert await generate(engine, prompt) == (before, 499)
    await engine.close()


async def test_after_an_idle_unload_a_known_prompt_is_in_the_cache_and_gives_the_same_text(
    model_path: Path, tmp_path: Path
) -> None:
    engine = make_engine(tmp_path, model_path, idle_minutes=0.002)
    unloaded = asyncio.Event()

    def watch_phase(state: EngineState) -> None:
        if state.phase is Phase.STOPPED:
            unloaded.set()

    engine.subscribe(watch_phase)
    prompt = await make_prompt(engine, "total += price * amount\n", 300)
    before, _ = await generate(engine, prompt)
    async with asyncio.timeout(30):
        await unloaded.wait()
    assert await generate(engine, prompt) == (before, 299)
    await engine.close()


async def test_background_work_does_not_truncate_the_live_sequence(
    model_path: Path, tmp_path: Path
) -> None:
    engine = make_engine(tmp_path, model_path)
    prefix = await make_prompt(engine, "def method(self, name, value):\n    pass\n", 300)
    live, other = [*prefix, *prefix[:40]], [*prefix, *prefix[7:60]]
    await generate(engine, live)
    assert (await generate(engine, other, Lane.BACKGROUND, n=0))[1] >= 300
    assert (await generate(engine, [*live, 7]))[1] == 340
    assert (await generate(engine, [*other, 7]))[1] == len(other)
    await engine.close()
