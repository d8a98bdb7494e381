"""How many tokens to draft: learned from the cost of batches and the success of guesses.

A batch of a few tokens costs less than the same tokens one by one. How much less depends on the
machine, the model, the context and the other load; how often a guess is right depends on the text.
Both are measured as moving averages, and the draft has the length that pays best by these averages;
it is empty if no draft pays.

Costs are in units of a single-token batch.
"""

from dataclasses import dataclass

from copilotd.engine.worker.speculation.ngram_lookup import LONGEST, SHORTEST

SIZES = (4, 8, 16)
"""Batch sizes in tokens, including the one token that is not a guess. Kernels work in groups of
four."""
FROM_DRAFT_MODEL = 0
"""Used in place of a match length for guesses of the draft model."""

_DEFAULT_SLOPE = 0.33
"""Cost of each further token of a batch, until it is measured. Two cores that run a 0.5B model
need 0.2 to 0.5."""
_DEFAULT_DRAFT_COST, _DEFAULT_PREFILL_COST = 0.1, 0.05
"""Cost of a token that the draft model guesses, and of one that it evaluates first, until they are
measured."""
_DEFAULT_HIT_RATE = 0.9
"""How often the draft model is right, until it is measured; a lower value would never let it
begin."""
_DEFAULT_OUTPUT = 128.0
"""Tokens of an output, until outputs have been measured."""
_MIN_GAIN = 1.1
"""Minimum number of tokens per unit of cost for a draft to be worth it."""
_EXPIRES_AFTER = 200
"""Single-token batches after which the cost of a larger batch may have changed."""


@dataclass(slots=True)
class MovingAverage:
    """The mean of all values at first, later of about the last sixteen."""

    value: float
    count: int = 0

    def add(self, value: float) -> None:
        """Add a newer value."""
        self.count += 1
        self.value += (value - self.value) / min(self.count + 1, 16)


@dataclass(slots=True)
class _BatchCost:
    ms: MovingAverage
    measured_at: int


class DraftLengthPolicy:
    """Learns from the `record_*` calls, and chooses lengths."""

    def __init__(self) -> None:
        self._hit_rates = {length: MovingAverage(0.5) for length in range(SHORTEST, LONGEST + 1)}
        self._hit_rates[FROM_DRAFT_MODEL] = MovingAverage(_DEFAULT_HIT_RATE)
        self._draft_ms: MovingAverage | None = None
        self._prefill_ms: MovingAverage | None = None
        self._single_ms: MovingAverage | None = None
        self._batches: dict[int, _BatchCost] = {}
        self._output_length = MovingAverage(_DEFAULT_OUTPUT)
        self._bonus = MovingAverage(0.7)
        self._kept = MovingAverage(1.0)
        self._n_single = 0

    # --- learning ----------------------------------------------------------------------------

    def record_batch(self, size: int, ms: float) -> None:
        """Record that a batch of `size` tokens, 1 or one of `SIZES`, took `ms`."""
        if size > 1:
            cost = self._batches.setdefault(size, _BatchCost(MovingAverage(ms), 0))
            cost.ms.add(ms)
            cost.measured_at = self._n_single
            return
        self._n_single += 1
        self._single_ms = _add(self._single_ms, ms)
        oldest = self._n_single - _EXPIRES_AFTER
        self._batches = {n: c for n, c in self._batches.items() if c.measured_at > oldest}
        if self._n_single % _EXPIRES_AFTER == 0:
            self._kept = MovingAverage(1.0)
            self._hit_rates[FROM_DRAFT_MODEL] = MovingAverage(_DEFAULT_HIT_RATE)

    def record_draft(self, count: int, ms: float) -> None:
        """Record that the draft model guessed `count` tokens in `ms`."""
        self._draft_ms = _add(self._draft_ms, ms / count)

    def record_prefill(self, count: int, ms: float) -> None:
        """Record that the draft model evaluated `count` tokens of a text in `ms`."""
        self._prefill_ms = _add(self._prefill_ms, ms / count)

    def record_output(self, count: int) -> None:
        """Record that a finished output has `count` tokens."""
        self._output_length.add(count)

    def record_guess(self, match_length: int, position: int, is_right: bool) -> None:
        """Record the result for the guess at `position` of a draft, after a match of that length.

        The first guess of a draft is at position 0.
        """
        self._find_hit_rate(match_length, position).add(is_right)

    def record_bonus(self, is_decided: bool) -> None:
        """Record whether the batch also decided the token after the accepted ones."""
        self._bonus.add(is_decided)

    def record_kept(self, is_kept: bool) -> None:
        """Record whether a sequence kept the keys and values of its batches."""
        self._kept.add(is_kept)

    # --- choosing ----------------------------------------------------------------------------

    def choose_length(self, match_length: int, max_length: int, unread: int = 0) -> int:
        """How many tokens to draft after a match of `match_length` tokens; 0 if none pay.

        The draft model has to evaluate `unread` tokens first; the draft must save that cost too.
        """
        if self._single_ms is None:
            return 0
        sizes = [size for size in SIZES if size - 1 <= max_length]
        gains = {size - 1: self._estimate_gain(match_length, size) for size in sizes}
        best = max(gains, key=lambda length: gains[length], default=0)
        if not best or gains[best] < _MIN_GAIN:
            return 0
        saved = (1 - 1 / gains[best]) * min(max_length, self._output_length.value)
        prefill_cost = unread * self._to_cost(self._prefill_ms, _DEFAULT_PREFILL_COST)
        return best if saved >= prefill_cost else 0

    def _estimate_gain(self, match_length: int, size: int) -> float:
        """Expected tokens of a batch of `size`, divided by its cost."""
        drafts = match_length == FROM_DRAFT_MODEL
        draft_cost = self._to_cost(self._draft_ms, _DEFAULT_DRAFT_COST) if drafts else 0.0
        cost = self._estimate_batch_cost(size) + draft_cost * (size - 1)
        return self._estimate_tokens(match_length, size - 1) / cost

    def _estimate_tokens(self, match_length: int, length: int) -> float:
        """Expected tokens from a draft of `length`; each right guess makes the match longer."""
        tokens, probability = 0.0, 1.0
        for position in range(length):
            probability *= self._find_hit_rate(match_length, position).value
            tokens += probability
        return tokens * self._kept.value + self._bonus.value

    def _find_hit_rate(self, match_length: int, position: int) -> MovingAverage:
        if match_length == FROM_DRAFT_MODEL:
            return self._hit_rates[FROM_DRAFT_MODEL]
        return self._hit_rates[min(match_length + position, LONGEST)]

    def _estimate_batch_cost(self, size: int) -> float:
        """Cost of a batch, in units of a single-token batch; by other sizes until measured."""
        if size in self._batches:
            return self._get_measured_cost(size)
        slopes = [(self._get_measured_cost(n) - 1) / (n - 1) for n in self._batches]
        return 1 + (size - 1) * min(slopes, default=_DEFAULT_SLOPE)

    def _get_measured_cost(self, size: int) -> float:
        return self._to_cost(self._batches[size].ms, 0.0)

    def _to_cost(self, ms: MovingAverage | None, default: float) -> float:
        """A time in units of a single-token batch; `default` if it was not measured."""
        if ms is None or self._single_ms is None:
            return default
        return ms.value / max(self._single_ms.value, 1e-6)


def _add(average: MovingAverage | None, value: float) -> MovingAverage:
    average = average or MovingAverage(value)
    average.add(value)
    return average
