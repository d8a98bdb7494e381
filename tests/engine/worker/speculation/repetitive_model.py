"""A loop that speculates, over a model that repeats itself."""

import itertools
from typing import Any

from copilotd.engine.protocol import Finish
from copilotd.engine.types import FinishReason
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.speculation.speculation import Speculation
from tests.engine.worker.engine_loop import EngineLoop
from tests.engine.worker.simulated_model import Predict, one_hot, predict_repetition

PROMPT = "abcdefg" * 4


class SpeculatingLoop(EngineLoop):
    """A loop whose clock counts a second per step, so that a batch costs as much as a token."""

    def __init__(self, predict: Predict = predict_repetition, **options: Any) -> None:
        self.speculation = Speculation(clock=lambda: float(next(ticks)))
        ticks = itertools.count()
        super().__init__(speculation=self.speculation, predict=predict, **options)
        self.batch_sizes: list[int] = []
        self.model.before_decode = lambda entries: self.batch_sizes.append(len(entries))

    def warm_up(self) -> None:
        """Let it learn that guesses are right."""
        self.add(1000, PROMPT, max_tokens=20)
        self.run()
        self.batch_sizes.clear()


def predict_period(tokens: list[int]) -> Logits:
    """The token that stood seven tokens before, always."""
    return one_hot(tokens[-min(7, len(tokens))])


def read_finish_reason(loop: EngineLoop, id: int) -> FinishReason:
    event = loop.last_events[id]
    assert isinstance(event, Finish)
    return event.finished.reason


def read_cached_text(loop: EngineLoop) -> str:
    """The text in the slot that was used last, which pool and cache must agree about."""
    slot = loop.pool._slots_by_use()[0]
    assert loop.model.cached_length(slot.sequence) == len(slot.tokens)
    return bytes(slot.tokens).decode()
