"""What the model predicted behind sequences of tokens that were evaluated lately.

Somebody who types has the same few tokens in front of the cursor again and again, each time with
one character more that the next token must begin with. The prediction there is the same, so it is
kept, and choosing another token from it costs no evaluation.
"""

from collections import OrderedDict
from dataclasses import dataclass

from copilotd.engine.worker.llama.sampling import Logits

_CAPACITY = 24
"""Each takes 4 bytes per token of the vocabulary: 15 MB in all for the largest ones."""

Movable = tuple[int, int] | None
"""As in a request: what was moved has another prediction than what is exact."""
Key = tuple[Movable, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Prediction:
    """`rough` logits come out of a batch of guesses; only a clear lead in them counts."""

    logits: Logits
    rough: bool


class Trail:
    """The predictions behind the last few sequences, each part of which was `movable` or exact."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Prediction] = OrderedDict()

    def keep(
        self, tokens: list[int], logits: Logits, movable: Movable = None, *, rough: bool = False
    ) -> None:
        """Remember a copy of the `logits` behind `tokens`; the oldest go."""
        self._kept[movable, tuple(tokens)] = Prediction(logits.copy(), rough)
        while len(self._kept) > _CAPACITY:
            self._kept.popitem(last=False)

    def find(self, tokens: list[int], movable: Movable = None) -> Prediction | None:
        """What was predicted behind `tokens`, if that is remembered."""
        key = movable, tuple(tokens)
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]
