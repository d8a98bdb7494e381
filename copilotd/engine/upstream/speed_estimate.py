"""What a server costs, measured from here: a new prompt, then a short answer to it.

The prompt is made of random words, so that no cache has it and nothing of the user's is in it.
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

_WORDS = 120
_WRITTEN = 12
_AT_ONCE = 8
"""Tokens that a server reads in the time of one: no keystroke adds more."""


async def pace(
    generate: Generate, tokenize: Tokenize
) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
    """Stream how far it is, then the result. Raises: EngineError, and what `generate` does."""
    yield CalibrationProgress("asking the server for a short answer", 0.0)
    words = (f"{random.randrange(16**4):04x}" for _ in range(_WORDS))
    prompt = await tokenize(" ".join(words))
    began, pieces, usage = time.perf_counter(), [], Usage()
    request = GenerateRequest(prompt, _WRITTEN, lane=Lane.BACKGROUND)
    async with aclosing(generate(request)) as events:
        async for event in events:
            pieces.append(time.perf_counter())
            usage = event.usage or usage
    if usage.completion_tokens < 2 or len(pieces) < 2:
        raise EngineError("the server wrote too little to be measured", "Try again: copilotd tune.")
    read = usage.prompt_tokens or len(prompt)
    decode_ms = (pieces[-1] - pieces[0]) * 1000 / (usage.completion_tokens - 1)
    speed = Speed(
        prefill={read: read / (pieces[0] - began)}, decode={read: decode_ms}, batch={_AT_ONCE: 1.0}
    )
    yield Calibration(Setup(), Setup(), speed, [])
