"""Engines that do what a test says."""

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


class HeldEngine(FakeEngine):
    """Says when a generation is over (`ended`).

    With `hold` no generation writes anything before `gate` is set.
    """

    def __init__(self, answer: str = "Paris", *, hold: bool = True) -> None:
        self.gate = asyncio.Event()
        self.ended = asyncio.Event()
        super().__init__(answer, gate=self.gate if hold else None)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """The same, and the event."""
        try:
            async with aclosing(super().generate(request)) as events:
                async for event in events:
                    yield event
        finally:
            self.ended.set()


class EndlessEngine(HeldEngine):
    """Writes until nobody listens any more."""

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


class PlayedEngine(FakeEngine):
    """Plays the same steps for every request: sends what is sent, raises errors, waits for events.

    `holding` is set once it waits.
    """

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self._steps: Sequence[Step] = steps
        self.holding = asyncio.Event()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """The steps."""
        self.requests.append(request)
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            elif isinstance(step, asyncio.Event):
                self.holding.set()
                await step.wait()
            else:
                yield step


def scored(text: str | bytes, logprob: float | None, **alternatives: float) -> TokenLogprob:
    """A token with its log probability and alternatives."""
    data = text.encode() if isinstance(text, str) else text
    top = [TokenAlternative(0, name.encode(), value) for name, value in alternatives.items()]
    return TokenLogprob(0, data, logprob, top)
