"""Whether guesses at the next tokens pay: learned from what batches cost and guesses were worth.

A batch of a few tokens costs less than the same tokens one by one, but how much less depends on
the machine, the model, the context and on what else runs; and how often a guess is right depends
on the text. So both are moving averages, and nothing is proposed that they do not speak for.
"""

from dataclasses import dataclass

from copilotd.engine.worker.speculation.ngram_lookup import LONGEST, SHORTEST

SIZES = (4, 8, 16)
"""Tokens of a batch, the one that is not guessed among them. Kernels work by fours."""

_UNTRIED = 0.33
"""What each further token of a batch costs of a single one, until one was tried. Two cores that
run a 0.5B model need 0.2 to 0.5."""
_UNTRIED_DRAWING, _UNTRIED_READING = 0.1, 0.05
"""What a guess by a smaller model costs of a single token, and what a token that it reads before,
until that was tried."""
DRAWN = 0
"""In place of the length of a match: a smaller model guessed."""
_HOPED = 0.9
"""How often it is right, until that was seen; less would never let it begin."""
_LONG = 128.0
"""Tokens of an output, until some were written."""
_PAYS = 1.1
"""Tokens per cost of one token from which on guesses are worth it."""
_FORGOTTEN_AFTER = 200
"""Single steps, after which the cost of a batch may have become another."""


@dataclass(slots=True)
class Average:
    """A mean of all values at first, then of about the last sixteen."""

    value: float
    count: int = 0

    def add(self, value: float) -> None:
        """Take in a newer value."""
        self.count += 1
        self.value += (value - self.value) / min(self.count + 1, 16)


@dataclass(slots=True)
class _Cost:
    average: Average
    measured_at: int


class Payoff:
    """What was learned since the start."""

    def __init__(self) -> None:
        self._right = {length: Average(0.5) for length in range(SHORTEST, LONGEST + 1)}
        self._right[DRAWN] = Average(_HOPED)
        self._drawing: Average | None = None
        self._reading: Average | None = None
        self._written = Average(_LONG)
        self._single: Average | None = None
        self._batches: dict[int, _Cost] = {}
        self._bonus = Average(0.7)
        self._kept = Average(1.0)
        self._steps = 0

    def took(self, size: int, ms: float) -> None:
        """A batch of `size` tokens, 1 or one of `SIZES`, took `ms`."""
        if size > 1:
            cost = self._batches.setdefault(size, _Cost(Average(ms), 0))
            cost.average.add(ms)
            cost.measured_at = self._steps
            return
        self._steps += 1
        self._single = _with(self._single, ms)
        oldest = self._steps - _FORGOTTEN_AFTER
        self._batches = {n: c for n, c in self._batches.items() if c.measured_at > oldest}
        if self._steps % _FORGOTTEN_AFTER == 0:
            self._kept = Average(1.0)
            self._right[DRAWN] = Average(_HOPED)

    def drew(self, count: int, ms: float) -> None:
        """A smaller model guessed `count` tokens in `ms`."""
        self._drawing = _with(self._drawing, ms / count)

    def read(self, count: int, ms: float) -> None:
        """It read `count` tokens in `ms`."""
        self._reading = _with(self._reading, ms / count)

    def wrote(self, count: int) -> None:
        """An output had `count` tokens in the end."""
        self._written.add(count)

    def compared(self, length: int, further: int, right: bool) -> None:
        """The guess behind `further` others, from a match of `length` tokens, was `right`."""
        self._chance(length, further).add(right)

    def ended(self, decided: bool) -> None:
        """The batch `decided` on the token behind those that were guessed right, or did not."""
        self._bonus.add(decided)

    def stayed(self, kept: bool) -> None:
        """What the batches of a sequence brought was `kept`, or all of it evaluated again."""
        self._kept.add(kept)

    def best(self, length: int, most: int, unread: int = 0) -> int:
        """How many guesses from a match of `length` tokens to try; 0 if none pay.

        A smaller model has to read `unread` tokens first; what it saves must be worth that, too.
        """
        if self._single is None:
            return 0
        sizes = [size for size in SIZES if size - 1 <= most]
        rates = {size - 1: self._rate(length, size) for size in sizes}
        best = max(rates, key=lambda count: rates[count], default=0)
        if not best or rates[best] < _PAYS:
            return 0
        saved = (1 - 1 / rates[best]) * min(most, self._written.value)
        return best if saved >= unread * self._in_singles(self._reading, _UNTRIED_READING) else 0

    def _rate(self, length: int, size: int) -> float:
        """Tokens by a batch of `size`, for what a single one costs."""
        drawing = self._in_singles(self._drawing, _UNTRIED_DRAWING) if length == DRAWN else 0.0
        return self._tokens(length, size - 1) / (self._cost(size) + drawing * (size - 1))

    def _tokens(self, length: int, count: int) -> float:
        """Expected tokens out of a batch; each that is right makes the match longer."""
        tokens, chance = 0.0, 1.0
        for further in range(count):
            chance *= self._chance(length, further).value
            tokens += chance
        return tokens * self._kept.value + self._bonus.value

    def _chance(self, length: int, further: int) -> Average:
        return self._right[DRAWN if length == DRAWN else min(length + further, LONGEST)]

    def _in_singles(self, ms: Average | None, untried: float) -> float:
        """A time in those of a single token."""
        return untried if ms is None or self._single is None else ms.value / self._single_ms

    def _cost(self, size: int) -> float:
        """Of a batch, in those of a single token."""
        if size in self._batches:
            return self._relative(size)
        slopes = [(self._relative(n) - 1) / (n - 1) for n in self._batches]
        return 1 + (size - 1) * min(slopes, default=_UNTRIED)

    def _relative(self, size: int) -> float:
        return self._batches[size].average.value / self._single_ms

    @property
    def _single_ms(self) -> float:
        assert self._single is not None, "a batch is only tried behind single steps"
        return max(self._single.value, 1e-6)


def _with(average: Average | None, value: float) -> Average:
    average = average or Average(value)
    average.add(value)
    return average
