"""Speculation: guess some tokens, and let one batch say how many of them are right.

A guess is what followed the same tokens before (`lookup.py`), or what a smaller model goes on with
(`drafter.py`); whether it is worth a batch is learned (`payoff.py`), also from guesses that were
only compared and not sent. So speculation ends where it does not pay, and begins again where it
would.

A batch does not predict quite what the same tokens one by one do: its kernels add up in another
order, and quantised activations make much of little, in the logits and in the keys and values that
stay in the cache. So a batch decides only what is clear, by `GUARD`, and what it leaves open is
evaluated again alone; and where a later choice is close, by `DOUBT`, so is all that came out of
batches before. Then greedy output is that of single tokens.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.scheduling.scheduler import Share
from copilotd.engine.worker.scheduling.sequence import Sequence
from copilotd.engine.worker.speculation.draft_length import DRAWN, SIZES, Payoff
from copilotd.engine.worker.speculation.draft_model import Drafter
from copilotd.engine.worker.speculation.ngram_lookup import Lookup, Match

GUARD = 1.0
"""Logits by which the best token has to lead for a batch to decide. The lead in a batch was seen to
differ by up to 0.4 from that of single tokens (0.5B, Q4_K_M)."""
DOUBT = 0.5
"""Logits by which it has to lead for a single token to decide while keys and values out of a batch
are in the cache: even one of them changes the lead by up to 0.35 (same model). Below it they are
evaluated again, token by token, and what the batches gained is lost."""


@dataclass(slots=True)
class Tally:
    """Counts since the start: batches with a draft, tokens of it, and those that were right.

    `open` batches left a token to be evaluated alone; `mended` tokens were evaluated again.
    """

    drafts: int = 0
    drafted: int = 0
    accepted: int = 0
    open: int = 0
    mended: int = 0


class Speculation:
    """Guesses for the one sequence that decodes by itself; `clock` gives seconds.

    Where nothing that stood before is worth a batch, the `drafter` guesses, if there is one.
    """

    def __init__(
        self,
        *,
        enabled: bool = True,
        clock: Callable[[], float] = time.perf_counter,
        doubt: float = DOUBT,
        drafter: Drafter | None = None,
    ) -> None:
        self._enabled = enabled
        self._clock = clock
        self._doubt = doubt
        self._drafter = drafter
        self._lookup = Lookup()
        self._payoff = Payoff()
        self._match: Match | None = None
        self._watched: Sequence | None = None
        self._started = 0.0
        self.tally = Tally()

    def extended(self, shares: list[Share], room: int) -> list[Share]:
        """The shares of the next batch, with a draft of at most `room` tokens where that pays."""
        self._watched = self._match = None
        if self._enabled and len(shares) == 1:
            shares = [self._alone(shares[0], room)]
        self._started = self._clock()
        return shares

    def decided(self, share: Share, rows: list[Logits]) -> int:
        """How many of `rows`, the logits behind the share's tokens, can be chosen from.

        Behind the first whose choice is not the guess nothing counts, nor from the first on in
        which the best token does not lead clearly: the sequence goes on alone there.
        """
        self._watched = None
        self._payoff.took(len(rows), self._elapsed_ms())
        decided = accepted = 0
        for row, guess in zip(rows, [*share.draft, -1], strict=True):
            token, lead = leading(row)
            decided += lead > GUARD
            right = token == guess and lead > GUARD
            if guess >= 0:
                self._compare(accepted, right)
            accepted += right
            if not right:
                break
        self._note(share, decided, accepted)
        return decided

    def withdrawn(self, shares: list[Share]) -> bool:
        """Whether the batch that found no room had a draft: the sequence goes on alone."""
        for share in shares:
            if share.draft:
                share.sequence.alone = len(share.sequence.tokens)
                return True
        return False

    def settles(self, sequence: Sequence, logits: Logits) -> bool:
        """Whether a step of one token can be chosen from; learns from it if no guess was sent."""
        if sequence is not self._watched:
            return True
        self._payoff.took(1, self._elapsed_ms())
        token, lead = leading(logits)
        if self._match is not None:
            self._compare(0, token == self._match.following[0] and lead > GUARD)
        settled = sequence.rough is None or lead > self._doubt
        if not settled:
            self._payoff.stayed(False)
            self.tally.mended += sequence.evaluated - (sequence.rough or 0)
        return settled

    def finished(self, sequence: Sequence) -> None:
        """What was written may be written again."""
        if sequence.rough is not None:
            self._payoff.stayed(True)
        self._payoff.wrote(sequence.generated)
        if self._enabled and not sequence.pictures:
            self._lookup.remember(sequence.tokens)

    def _alone(self, share: Share, room: int) -> Share:
        sequence = share.sequence
        mending = sequence.evaluated < sequence.alone
        if _can_guess(sequence):
            self._watched = sequence
            return share if mending else self._with_draft(share, room)
        return replace(share, count=1) if mending else share

    def _with_draft(self, share: Share, room: int) -> Share:
        sequence = share.sequence
        left = sequence.request.max_tokens + sequence.healing - sequence.generated - 1
        most = min(left, room - 1)
        draft = self._looked_up(sequence, most) or self._drawn(sequence, most)
        return replace(share, draft=draft)

    def _looked_up(self, sequence: Sequence, most: int) -> tuple[int, ...]:
        match = self._match = self._lookup.find(sequence.id, sequence.tokens, SIZES[-1] - 1)
        if match is None:
            return ()
        count = self._payoff.best(match.length, min(len(match.following), most))
        return match.following[:count]

    def _drawn(self, sequence: Sequence, most: int) -> tuple[int, ...]:
        """What the smaller model guesses, where that pays and it has read so far."""
        if self._drafter is None or not self._drafter.has_room(sequence.tokens, SIZES[-1]):
            return ()
        unread, started = self._drafter.unread(sequence.tokens), self._clock()
        count = self._payoff.best(DRAWN, most, unread)
        if count and unread:
            read = self._drafter.read(sequence)
            self._payoff.read(max(1, read), (self._clock() - started) * 1000)
        elif count and (draft := self._drafter.guess(sequence, count)):
            self._payoff.drew(count, (self._clock() - started) * 1000)
            self._match = Match(DRAWN, draft)
            return draft
        return ()

    def _compare(self, further: int, right: bool) -> None:
        if self._match is not None:
            self._payoff.compared(self._match.length, further, right)

    def _note(self, share: Share, decided: int, accepted: int) -> None:
        sequence, is_open = share.sequence, decided == accepted
        if decided and sequence.rough is None:
            sequence.rough = sequence.evaluated
        if is_open:
            sequence.alone = len(sequence.tokens) + accepted
        self._payoff.ended(not is_open)
        self.tally.drafts += 1
        self.tally.drafted += len(share.draft)
        self.tally.accepted += accepted
        self.tally.open += is_open

    def _elapsed_ms(self) -> float:
        return (self._clock() - self._started) * 1000


def leading(logits: Logits) -> tuple[int, float]:
    """The most probable token, and by how much it leads the next."""
    token = int(logits.argmax())
    others = (logits[:token], logits[token + 1 :])
    return token, float(logits[token]) - max(float(np.max(o, initial=-np.inf)) for o in others)


def is_clear(sequence: Sequence, logits: Logits) -> bool:
    """Whether rough `logits` decide what the sequence goes on with."""
    allowed = sequence.allowed(logits)
    return sequence.sampler.greedy and leading(allowed)[1] > GUARD


def _can_guess(sequence: Sequence) -> bool:
    """Whether it decodes, and nothing but the most probable token of a text is asked for."""
    plain = sequence.sampler.greedy and not sequence.scored and sequence.guide is None
    is_text = not sequence.constraint.rest and not sequence.pictures
    return sequence.decoding and plain and is_text
