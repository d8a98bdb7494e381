"""A bench that guesses, on a model that repeats itself."""

import itertools
from typing import Any

from copilotd.engine.protocol import Finish
from copilotd.engine.types import FinishReason
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.speculation.speculation import Speculation
from tests.engine.worker.engine_loop import Bench
from tests.engine.worker.simulated_model import Predict, certain, repeating

PROMPT = "abcdefg" * 4


class Guessing(Bench):
    """A bench whose every step takes one second, so that a batch costs as much as one token."""

    def __init__(self, predict: Predict = repeating, **more: Any) -> None:
        self.speculation = Speculation(clock=lambda: float(next(ticks)))
        ticks = itertools.count()
        super().__init__(speculation=self.speculation, predict=predict, **more)
        self.sizes: list[int] = []
        self.model.before_decode = lambda entries: self.sizes.append(len(entries))

    def learn(self) -> None:
        """Let it see that guesses are right."""
        self.add(1000, PROMPT, n=20)
        self.run()
        self.sizes.clear()


def period(tokens: list[int]) -> Logits:
    """What stood seven tokens before, always."""
    return certain(tokens[-min(7, len(tokens))])


def reason(bench: Bench, id: int) -> FinishReason:
    event = bench.last[id]
    assert isinstance(event, Finish)
    return event.finished.reason


def held(bench: Bench) -> str:
    """What the slot that was used last holds, in the pool's books and in the cache."""
    slot = bench.pool._by_use()[0]
    assert bench.model.length(slot.sequence) == len(slot.tokens)
    return bytes(slot.tokens).decode()
