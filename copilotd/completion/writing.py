"""What the model writes, read only as far as it is of use."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from msgspec import structs

from copilotd.postprocess.pipeline import stop_at
from copilotd.postprocess.scene import Scene
from copilotd.types import Chunk, FilterStep, Finished, FinishReason, Usage


@dataclass(frozen=True, slots=True)
class Written:
    """The text, cut where a streaming filter (see `steps`) or the token limit stopped it."""

    text: str
    steps: tuple[FilterStep, ...]
    usage: Usage
    first_token_ms: float
    unfinished: bool = False


async def read(scene: Scene, events: AsyncGenerator[Chunk | Finished, None]) -> Written:
    """Collect the output until it ends or a streaming filter has seen enough."""
    started = time.perf_counter()
    text, usage, first_token_ms, pieces = "", Usage(), 0.0, 0
    async for event in events:
        if isinstance(event, Finished):
            unfinished = event.reason is FinishReason.LENGTH
            return Written(text, (), event.usage, first_token_ms, unfinished)
        first_token_ms = first_token_ms or (time.perf_counter() - started) * 1000
        pieces += 1
        usage = structs.replace(event.usage or usage, completion_tokens=pieces)
        text += event.text
        if stopped := stop_at(scene, text):
            name, length = stopped
            step = FilterStep(name, text, text[:length])
            return Written(text[:length], (step,), usage, first_token_ms)
    return Written(text, (), usage, first_token_ms)
