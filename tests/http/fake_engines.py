"""Fake engines whose generations a test controls."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import (
    Chunk,
    Finished,
    FinishReason,
    GenerateRequest,
    TokenAlternative,
    TokenLogprob,
    Usage,
)


class BlockingEngine(FakeEngine):
    """Sets `ended` when a generation ends; with `hold`, generations wait until `gate` is set."""

    def __init__(self, answer: str = "Paris", *, hold: bool = True) -> None:
        self.gate = asyncio.Event()
        self.ended = asyncio.Event()
        super().__init__(answer, gate=self.gate if hold else None)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Generate, then set `ended`."""
        try:
            async with aclosing(super().generate(request)) as events:
                async for event in events:
                    yield event
        finally:
            self.ended.set()


class EndlessEngine(BlockingEngine):
    """Generates until its reader closes the generation."""

    def __init__(self) -> None:
        super().__init__(hold=False)

    async def _stream(
        self, request: GenerateRequest, answer: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        while True:
            yield Chunk("x")
            await asyncio.sleep(0)


Step = Chunk | Finished | Exception | asyncio.Event

STOP = Finished(FinishReason.STOP, Usage(prompt_tokens=5, cached_tokens=3, completion_tokens=2))


class ScriptedEngine(FakeEngine):
    """Takes the same steps for every request: yields events, raises errors, waits for events.

    It sets `is_waiting` when it waits.
    """

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self._steps: Sequence[Step] = steps
        self.is_waiting = asyncio.Event()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Take the steps."""
        self.requests.append(request)
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            elif isinstance(step, asyncio.Event):
                self.is_waiting.set()
                await step.wait()
            else:
                yield step


def token_logprob(text: str | bytes, logprob: float | None, **alternatives: float) -> TokenLogprob:
    """A token with its log probability and alternatives."""
    data = text.encode() if isinstance(text, str) else text
    top = [TokenAlternative(0, name.encode(), value) for name, value in alternatives.items()]
    return TokenLogprob(0, data, logprob, top)
