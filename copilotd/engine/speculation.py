"""Speculation: guess some tokens, and let one batch say how many of them are right.

A batch of a few tokens costs less than the same tokens one by one, so a guess that is often right
makes decoding faster, and one that is often wrong slower. How often it is right is learned by the
length of the match that it comes from, also from guesses that were only compared and not sent: so
speculation ends where it does not pay, and begins again where it would.

Logits out of a larger batch are not those of a single token: other kernels add up in another
order, and quantised activations make much of little. So a batch decides only what is clear, by
`GUARD`, and what it leaves open is evaluated again alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from copilotd.engine.lookup import LONGEST, Lookup, Match
from copilotd.engine.sampling import Logits

GUARD = 1.0
"""Logits by which the best token has to lead for a batch to decide."""

BATCH_COST = {2: 1.6, 3: 2.1, 4: 2.6, 8: 5.0}
"""Tokens decoded at once to their cost relative to one, where it was not measured."""

_PAYS = 1.05
"""Tokens per cost of one token from which a guess is sent."""
_NEWEST = 1 / 16
"""Weight of the newest outcome in what is learned."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What probably comes next; the first `sent` tokens of it go into the batch."""

    match: Match
    sent: int

    @property
    def tokens(self) -> tuple[int, ...]:
        """Those that are sent."""
        return self.match.following[: self.sent]


@dataclass(slots=True)
class Tally:
    """Counts since the start: steps, those with a draft, tokens drafted, and those accepted."""

    steps: int = 0
    drafts: int = 0
    drafted: int = 0
    accepted: int = 0
    open: int = 0
    """Batches that left a token open."""


class Speculation:
    """Drafts what one sequence will say, as long as it pays."""

    def __init__(self, batch_cost: Mapping[int, float] = BATCH_COST) -> None:
        self._cost = dict(batch_cost) or BATCH_COST
        self._most = max(self._cost) - 1
        self._lookup = Lookup()
        self._odds = [_Odds(prior) for prior in _PRIORS]
        self.tally = Tally()

    def draft(self, id: int, tokens: Sequence[int], limit: int) -> Draft | None:
        """A guess at what follows `tokens` of request `id`, of which at most `limit` are sent."""
        self.tally.steps += 1
        match = self._lookup.find(id, tokens, self._most)
        return match and Draft(match, self._length(match, limit))

    def learn(self, draft: Draft, at: int, clear: bool, token: int) -> None:
        """Behind `at` tokens of `draft`, which were right, stands `token`; if that is `clear`."""
        following = draft.match.following
        if at < len(following):
            odds = self._odds_of(draft.match, at)
            odds.clear += _NEWEST * (clear - odds.clear)
            odds.right += _NEWEST * ((clear and token == following[at]) - odds.right)

    def count(self, draft: Draft, accepted: int, is_open: bool) -> None:
        """Take note of how a draft that was sent came out."""
        self.tally.drafts += 1
        self.tally.drafted += draft.sent
        self.tally.accepted += accepted
        self.tally.open += is_open

    def remember(self, tokens: Sequence[int]) -> None:
        """A sequence is over; its tokens may come again in another one."""
        self._lookup.remember(tokens)

    def _length(self, match: Match, limit: int) -> int:
        """How many tokens to send for the most tokens per cost; 0 if none pay."""
        best, length = _PAYS, 0
        reached, gained = 1.0, self._odds_of(match, 0).clear
        for sent in range(1, min(limit, len(match.following)) + 1):
            reached *= self._odds_of(match, sent - 1).right
            gained += reached * self._odds_of(match, sent).clear
            if gained / self._cost_of(sent + 1) > best:
                best, length = gained / self._cost_of(sent + 1), sent
        return length

    def _odds_of(self, match: Match, at: int) -> "_Odds":
        """With each token that is right, the match is longer by one."""
        return self._odds[min(match.length + at, LONGEST)]

    def _cost_of(self, tokens: int) -> float:
        return self._cost[min(size for size in self._cost if size >= tokens)]


@dataclass(slots=True)
class _Odds:
    """Shares of the guesses behind a match of one length: right and clear, and just clear."""

    right: float
    clear: float = 0.9


_PRIORS = (0.0, 0.0, 0.3, 0.45, 0.55, 0.65, 0.7, 0.75, 0.8)
"""Guesses that are right, by the length of the match, before anything is learned."""


def leader(logits: Logits) -> tuple[int, float]:
    """The best token, and by how much it is better than the second."""
    best = int(logits.argmax())
    before, behind = logits[:best], logits[best + 1 :]
    second = max(before.max(initial=-np.inf), behind.max(initial=-np.inf))
    return best, float(logits[best] - second)
