"""Estimates the speed of a server by timing a new prompt and a short answer to it.

The prompt is made of random words, so no cache has it, and it contains nothing of the user's.
"""

import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from copilotd.engine.performance import Calibration, CalibrationProgress, Setup, Speed
from copilotd.engine.types import Chunk, Finished, GenerateRequest, Lane, Usage
from copilotd.errors import EngineError

Generate = Callable[[GenerateRequest], AsyncGenerator[Chunk | Finished, None]]
Tokenize = Callable[[str], Awaitable[list[int]]]

_PROMPT_WORDS = 120
_ANSWER_TOKENS = 12
_FREE_BATCH = 8
"""A server evaluates this many tokens in the time of one, and a keystroke adds no more tokens."""


async def estimate_speed(
    generate: Generate, tokenize: Tokenize
) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
    """Stream the progress, then the result. Raises: EngineError, and what `generate` raises."""
    yield CalibrationProgress("asking the server for a short answer", 0.0)
    words = (f"{random.randrange(16**4):04x}" for _ in range(_PROMPT_WORDS))
    prompt = await tokenize(" ".join(words))
    start, event_times, usage = time.perf_counter(), [], Usage()
    request = GenerateRequest(prompt, _ANSWER_TOKENS, lane=Lane.BACKGROUND)
    async with aclosing(generate(request)) as events:
        async for event in events:
            event_times.append(time.perf_counter())
            usage = event.usage or usage
    if usage.completion_tokens < 2 or len(event_times) < 2:
        raise EngineError(
            "the answer of the server was too short to measure its speed",
            "Try again: copilotd tune.",
        )
    prompt_tokens = usage.prompt_tokens or len(prompt)
    decode_ms = (event_times[-1] - event_times[0]) * 1000 / (usage.completion_tokens - 1)
    speed = Speed(
        prefill={prompt_tokens: prompt_tokens / (event_times[0] - start)},
        decode={prompt_tokens: decode_ms},
        batch={_FREE_BATCH: 1.0},
    )
    yield Calibration(Setup(), Setup(), speed, [])
