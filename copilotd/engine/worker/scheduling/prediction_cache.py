"""Caches the model's predictions after the token sequences that were evaluated last.

While a user types a word, the engine gets the same prompt again and again, each time with one more
character that the next token must begin with. The model's prediction is the same each time, so it
is kept: choosing another token from it needs no evaluation.
"""

from collections import OrderedDict
from dataclasses import dataclass

from copilotd.engine.worker.llama.sampling import Logits

_CAPACITY = 24
"""Each entry takes 4 bytes per token of the vocabulary: 15 MB in all for the largest ones."""

TokenRange = tuple[int, int] | None
"""A request's range of tokens that may use repositioned cells; None if all must be exact."""
Key = tuple[TokenRange, tuple[int, ...]]
"""Repositioned cells predict something else than exact ones, so the range is part of the key."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """`approximate` logits come from a batch with a draft; only a clear lead in them counts."""

    logits: Logits
    approximate: bool


class PredictionCache:
    """The predictions after the last few token sequences."""

    def __init__(self) -> None:
        self._predictions: OrderedDict[Key, Prediction] = OrderedDict()

    def store(
        self,
        tokens: list[int],
        logits: Logits,
        repositionable: TokenRange = None,
        *,
        approximate: bool = False,
    ) -> None:
        """Keep a copy of the `logits` after `tokens`; drop the least recently used ones."""
        key = repositionable, tuple(tokens)
        self._predictions[key] = Prediction(logits.copy(), approximate)
        while len(self._predictions) > _CAPACITY:
            self._predictions.popitem(last=False)

    def find(self, tokens: list[int], repositionable: TokenRange = None) -> Prediction | None:
        """The prediction after `tokens`; None if it is not kept."""
        key = repositionable, tuple(tokens)
        if key not in self._predictions:
            return None
        self._predictions.move_to_end(key)
        return self._predictions[key]
