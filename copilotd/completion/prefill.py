"""Prompts that the KV cache holds, and those that are being read into it."""

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from dataclasses import dataclass

from msgspec import structs

from copilotd.completion.shared_task import Shared
from copilotd.engine.interface import Engine
from copilotd.engine.tokens.common_prefix import common_prefix
from copilotd.engine.tokens.moved_run import moved_run
from copilotd.engine.types import GenerateRequest, Lane
from copilotd.prompt.anchor import Anchor

_REMEMBERED = 64
_RECENT = 4
"""Prompts of which the end is still held, as a rule: where others go on, it is cut off."""
_SHORT = 16
"""Tokens that a slow machine, too, evaluates so quickly that nobody needs to share the work: what
a request reads by itself is lost if the next keystroke ends it."""
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
        return len(prompt) <= _SHORT or any(
            held[: len(prompt)] == prompt for held in reversed(self._held())
        )

    def begun(self, prompt: Prompt) -> bool:
        """Whether it is held, or is being read."""
        return len(prompt) <= _SHORT or any(
            other[: len(prompt)] == prompt and not reading.work.failed
            for other, reading in self._readings.items()
        )

    def missing(self, anchor: Anchor) -> int:
        """Tokens of its prompt that are to be evaluated after all that was read."""
        known = self._known(anchor.prompt)
        return len(anchor.prompt) - known - self._moved(anchor, known)

    def _held(self) -> list[Prompt]:
        return [prompt for prompt, reading in self._readings.items() if reading.succeeded]

    def _known(self, prompt: Prompt) -> int:
        """Tokens at its beginning that were read."""
        return max((common_prefix(prompt, other) for other in self._held()), default=0)

    def _moved(self, anchor: Anchor, known: int) -> int:
        """Tokens behind the `known` ones that can be taken from where they stood in another."""
        if anchor.movable is None:
            return 0
        start, end = anchor.movable
        wanted = anchor.prompt[max(start, known) : end]
        runs = (moved_run(wanted, other) for other in self._held()[-_RECENT:])
        return max((run.length for run in runs if run), default=0)

    async def ready(
        self, prompt: Prompt, lane: Lane, movable: tuple[int, int] | None = None
    ) -> None:
        """Wait until `prompt` is evaluated. Raises: EngineError.

        What is `movable` of it may be taken from cells that were evaluated behind another text.

        The work is shared: it goes on while anybody waits for it, and then to the end of a slice
        unless another prompt is wanted. A request takes it over from a lane that would come after
        its own.
        """
        self._drop_others(prompt, lane)
        if prompt in self._readings:
            self._readings.move_to_end(prompt)
        if not self.hold(prompt):
            reading = self._under_way(prompt, lane) or self._begin(prompt, lane, movable)
            await reading.work.result()

    def clear(self) -> None:
        """The KV cache is empty."""
        self._readings.clear()

    def _begin(self, prompt: Prompt, lane: Lane, movable: tuple[int, int] | None) -> "_Reading":
        older = self._readings.pop(prompt, None)
        if older is not None:
            older.work.cancel()
        wanted = GenerateRequest(list(prompt), 0, lane=lane, movable=movable)
        work = Shared(self._read(prompt, wanted), grace_s=None)
        reading = self._readings[prompt] = _Reading(lane, work)
        while len(self._readings) > _REMEMBERED:
            self._readings.popitem(last=False)
        return reading

    def _under_way(self, prompt: Prompt, lane: Lane) -> "_Reading | None":
        """What is being read that begins with `prompt`, if it may be waited for in that lane."""
        leads = (r for other, r in self._readings.items() if other[: len(prompt)] == prompt)
        return next((r for r in leads if not r.work.done and r.serves(lane)), None)

    def _drop_others(self, prompt: Prompt, lane: Lane) -> None:
        wanted = self._under_way(prompt, lane)
        for reading in self._readings.values():
            if reading is not wanted and not reading.work.wanted:
                reading.work.cancel()

    async def _read(self, prompt: Prompt, wanted: GenerateRequest) -> None:
        for end in self._slices(prompt, wanted):
            await self._evaluate(structs.replace(wanted, prompt=wanted.prompt[:end], movable=None))
            reading = self._readings.get(prompt)
            if reading is None or not reading.work.wanted:
                raise asyncio.CancelledError
        await self._evaluate(wanted)

    def _slices(self, prompt: Prompt, wanted: GenerateRequest) -> range:
        """Where the slices end that are read before the last one, which has all that is movable."""
        plain = wanted.movable[0] if wanted.movable else len(prompt)
        return range(self._known(prompt) + _SLICE, plain, _SLICE)

    async def _evaluate(self, wanted: GenerateRequest) -> None:
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
