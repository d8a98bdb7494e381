"""Prompts that the KV cache holds, and those that are being read into it."""

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from dataclasses import dataclass

from copilotd.completion.shared import Shared
from copilotd.engine.prefix import common_prefix
from copilotd.engine.protocol import Engine
from copilotd.types import GenerateRequest, Lane

_REMEMBERED = 64
_SHORT = 64
"""Tokens that are evaluated so quickly that nobody needs to share the work."""
_SLICE = 128
"""Tokens that are read to their end although nobody waits any more: the next keystroke will need
them. Else somebody who types fast at a new place has the same begun anew with every letter."""

Prompt = tuple[int, ...]


class Readings:
    """Has each prompt evaluated once for all who need it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._readings: OrderedDict[Prompt, _Reading] = OrderedDict()

    def hold(self, prompt: Prompt) -> bool:
        """Whether a request that begins with `prompt` has next to nothing of it to wait for."""
        reading = self._readings.get(prompt)
        return len(prompt) <= _SHORT or (reading is not None and reading.succeeded)

    def missing(self, prompt: Prompt) -> int:
        """Tokens of `prompt` that no prompt which was read has in common with it."""
        held = (p for p, reading in self._readings.items() if reading.succeeded)
        return len(prompt) - max((common_prefix(prompt, other) for other in held), default=0)

    async def ready(self, prompt: Prompt, lane: Lane) -> None:
        """Wait until `prompt` is evaluated. Raises: EngineError.

        The work is shared: it goes on while anybody waits for it, and then to the end of a slice
        unless another prompt is wanted. A request takes it over from a lane that would come after
        its own.
        """
        self._drop_others(prompt)
        if len(prompt) <= _SHORT:
            return
        reading = self._readings.get(prompt)
        if reading is None or not reading.serves(lane):
            reading = self._begin(prompt, lane)
        self._readings.move_to_end(prompt)
        await reading.work.result()

    def clear(self) -> None:
        """The KV cache is empty."""
        self._readings.clear()

    def _begin(self, prompt: Prompt, lane: Lane) -> "_Reading":
        older = self._readings.pop(prompt, None)
        if older is not None:
            older.work.cancel()
        work = Shared(self._read(prompt, lane), grace_s=None)
        reading = self._readings[prompt] = _Reading(lane, work)
        while len(self._readings) > _REMEMBERED:
            self._readings.popitem(last=False)
        return reading

    def _drop_others(self, prompt: Prompt) -> None:
        for other, reading in self._readings.items():
            if other != prompt and not reading.work.wanted:
                reading.work.cancel()

    async def _read(self, prompt: Prompt, lane: Lane) -> None:
        start = len(prompt) - self.missing(prompt)
        for end in (*range(start + _SLICE, len(prompt), _SLICE), len(prompt)):
            await self._evaluate(prompt[:end], lane)
            if end < len(prompt) and not self._readings[prompt].work.wanted:
                raise asyncio.CancelledError

    async def _evaluate(self, prompt: Prompt, lane: Lane) -> None:
        wanted = GenerateRequest(list(prompt), 0, lane=lane)
        async with aclosing(self._engine.generate(wanted)) as events:
            async for _ in events:
                pass


@dataclass(frozen=True, slots=True)
class _Reading:
    lane: Lane
    work: Shared

    @property
    def succeeded(self) -> bool:
        return self.work.done and not self.work.failed

    def serves(self, lane: Lane) -> bool:
        return self.succeeded or (not self.work.done and self.lane <= lane)
