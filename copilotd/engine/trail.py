"""What the model predicted behind sequences of tokens that were evaluated lately.

Somebody who types has the same few tokens in front of the cursor again and again, each time with
one character more that the next token must begin with. The prediction there is the same, so it is
kept, and choosing another token from it costs no evaluation.
"""

from collections import OrderedDict

from copilotd.engine.sampling import Logits

_CAPACITY = 24
"""Each takes 4 bytes per token of the vocabulary: 15 MB in all for the largest ones."""

Movable = tuple[int, int] | None
"""As in a request: what was moved has another prediction than what is exact."""
Key = tuple[Movable, tuple[int, ...]]


class Trail:
    """The logits behind the last few sequences, each part of which was `movable` or exact."""

    def __init__(self) -> None:
        self._logits: OrderedDict[Key, Logits] = OrderedDict()

    def keep(self, tokens: list[int], logits: Logits, movable: Movable = None) -> None:
        """Remember a copy of the `logits` behind `tokens`; the oldest go."""
        self._logits[movable, tuple(tokens)] = logits.copy()
        while len(self._logits) > _CAPACITY:
            self._logits.popitem(last=False)

    def find(self, tokens: list[int], movable: Movable = None) -> Logits | None:
        """The logits behind `tokens`, if they are remembered."""
        key = movable, tuple(tokens)
        if key not in self._logits:
            return None
        self._logits.move_to_end(key)
        return self._logits[key]
