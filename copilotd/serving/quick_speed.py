"""A quick estimate of a model's speed, until the machine is idle for the whole measurement.

The first suggestions need limits, and a guess suits few machines: too long a prompt on a slow one,
too short a suggestion on a fast one. A short prompt of random words and a few tokens of output show
the order of magnitude within a second on most machines.
"""

import asyncio
import random
import time
from contextlib import aclosing

from copilotd.engine.interface import Engine
from copilotd.engine.performance import Speed
from copilotd.engine.types import Finished, GenerateRequest, Lane, Usage

MAX_S = 3.0
"""Longest time of an estimate."""
_PROMPT_TOKENS = 48
_ANSWER_TOKENS = 5
_PREFILL_GAIN = 1.1
"""A batch of 128 tokens has this many times the rate of one of 48."""
_DECODE_LOSS = 1.4
"""A token after 1,000 others takes this many times as long as one after 50."""
_FAR = 1000
_BATCH_COSTS = {2: 1.5, 4: 2.4, 8: 4.0}
"""Cost of decoding several tokens at once, in units of a single one: measured on two machines."""


async def estimate_quickly(engine: Engine) -> Speed | None:
    """The speed of the loaded model; None if other requests disturbed the estimate.

    Raises: EngineError.
    """
    words = " ".join(f"{random.randrange(16**4):04x}" for _ in range(_PROMPT_TOKENS))
    prompt = (await engine.tokenize(words))[:_PROMPT_TOKENS]
    before = engine.stats().requests
    started = time.perf_counter()
    usage = Usage()
    try:
        async with asyncio.timeout(MAX_S):
            usage = await _generate(engine, prompt)
    except TimeoutError:
        pass
    elapsed_s = time.perf_counter() - started
    if engine.stats().requests != before + 1:
        return None
    return _compute_speed(len(prompt), usage, elapsed_s)


async def _generate(engine: Engine, prompt: list[int]) -> Usage:
    request = GenerateRequest(prompt, _ANSWER_TOKENS, lane=Lane.BACKGROUND)
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event.usage
    return Usage()


def _compute_speed(prompt_tokens: int, usage: Usage, elapsed_s: float) -> Speed:
    """The speed that the times suggest; an upper bound where the answer did not come in time."""
    prefill_s = usage.prefill_ms / 1000 or elapsed_s
    rate = _PREFILL_GAIN * prompt_tokens / max(prefill_s, 1e-3)
    steps = usage.completion_tokens - 1
    # A slow machine decodes a token in about the time in which it evaluates five of a prompt.
    decode_ms = usage.decode_ms / steps if steps > 0 else 5 * 1000 / rate
    return Speed({128: rate}, {_FAR: max(0.1, _DECODE_LOSS * decode_ms)}, dict(_BATCH_COSTS))
