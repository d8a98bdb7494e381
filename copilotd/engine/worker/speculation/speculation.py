"""Speculation: draft some tokens, and let one batch decide how many are right.

A draft is what followed the same tokens before (`ngram_lookup.py`), or what a smaller model
predicts (`draft_model.py`). `draft_length.py` learns whether a draft is worth a batch, also from
guesses that were only compared and not sent. So speculation stops when it does not pay, and starts
again when it would.

A batch does not predict exactly what the same tokens predict one by one: its kernels add up in
another order, and quantised activations amplify the difference, in the logits and in the keys and
values that stay in the cache. So a batch decides a token only if it leads by `MIN_BATCH_LEAD`; an
undecided token is evaluated again alone. If a later choice is closer than `MIN_SINGLE_LEAD`,
everything from earlier batches is evaluated again too. Then greedy output equals that of
single-token decoding.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.scheduling.scheduler import BatchItem
from copilotd.engine.worker.scheduling.sequence import Sequence
from copilotd.engine.worker.speculation.draft_length import (
    FROM_DRAFT_MODEL,
    SIZES,
    DraftLengthPolicy,
)
from copilotd.engine.worker.speculation.draft_model import DraftModel
from copilotd.engine.worker.speculation.ngram_lookup import Match, NgramLookup

MIN_BATCH_LEAD = 1.0
"""A batch decides only if the best token leads by this many logits. The measured lead in a batch
differs by up to 0.4 from that of single tokens (0.5B, Q4_K_M)."""
MIN_SINGLE_LEAD = 0.5
"""While keys and values from a batch are in the cache, a single token decides only if it leads by
this many logits: even one such key changes the lead by up to 0.35 (same model). Below this lead
they are evaluated again, token by token, and the gain of the batches is lost."""


@dataclass(slots=True)
class SpeculationCounts:
    """Counts since the start: batches with a draft, drafted tokens, and accepted ones.

    `undecided` counts batches that left a token to be evaluated alone; `reevaluated` counts tokens
    that were evaluated again.
    """

    drafts: int = 0
    drafted: int = 0
    accepted: int = 0
    undecided: int = 0
    reevaluated: int = 0


class Speculation:
    """Drafts for a sequence that decodes alone; `clock` gives seconds.

    The lookup in earlier text comes first. If it finds no draft that is worth a batch, the
    `draft_model` drafts, if there is one.
    """

    def __init__(
        self,
        *,
        enabled: bool = True,
        clock: Callable[[], float] = time.perf_counter,
        min_single_lead: float = MIN_SINGLE_LEAD,
        draft_model: DraftModel | None = None,
    ) -> None:
        self._enabled = enabled
        self._clock = clock
        self._min_single_lead = min_single_lead
        self._draft_model = draft_model
        self._lookup = NgramLookup()
        self._policy = DraftLengthPolicy()
        self._match: Match | None = None
        self._watched: Sequence | None = None
        self._started_at = 0.0
        self.counts = SpeculationCounts()

    def add_draft(self, batch: list[BatchItem], room: int) -> list[BatchItem]:
        """Add a draft of at most `room` tokens to the next batch if it pays."""
        self._watched = self._match = None
        if self._enabled and len(batch) == 1:
            batch = [self._extend(batch[0], room)]
        self._started_at = self._clock()
        return batch

    def verify(self, item: BatchItem, rows: list[Logits]) -> int:
        """Count the usable `rows`; a row holds the logits after one of the item's tokens.

        The first row whose choice differs from the guess is the last usable one. A row without a
        clear best token ends the count too: the sequence continues without a draft there.
        """
        self._watched = None
        self._policy.record_batch(len(rows), self._elapsed_ms())
        n_decided = n_accepted = 0
        for row, guess in zip(rows, [*item.draft, -1], strict=True):
            token, lead = find_leader(row)
            n_decided += lead > MIN_BATCH_LEAD
            is_right = token == guess and lead > MIN_BATCH_LEAD
            if guess >= 0:
                self._record_guess(n_accepted, is_right)
            n_accepted += is_right
            if not is_right:
                break
        self._record_verification(item, n_decided, n_accepted)
        return n_decided

    def withdraw_draft(self, batch: list[BatchItem]) -> bool:
        """Take the draft out of a batch that found no room; False if it had none."""
        for item in batch:
            if item.draft:
                item.sequence.step_singly(len(item.sequence.tokens))
                return True
        return False

    def accept_single_step(self, sequence: Sequence, logits: Logits) -> bool:
        """Whether to choose from a step of one token; learns from it if no draft was sent.

        False if the choice is too close for the keys and values that are in the cache.
        """
        if sequence is not self._watched:
            return True
        self._policy.record_batch(1, self._elapsed_ms())
        token, lead = find_leader(logits)
        if self._match is not None:
            self._record_guess(0, token == self._match.following[0] and lead > MIN_BATCH_LEAD)
        if sequence.drafted_from is None or lead > self._min_single_lead:
            return True
        self._policy.record_kept(False)
        self.counts.reevaluated += sequence.n_evaluated - sequence.drafted_from
        return False

    def record_output(self, sequence: Sequence) -> None:
        """Learn from a finished sequence; its text may be written again."""
        if sequence.is_approximate:
            self._policy.record_kept(True)
        self._policy.record_output(sequence.n_generated)
        if self._enabled and not sequence.images:
            self._lookup.remember(sequence.tokens)

    def _extend(self, item: BatchItem, room: int) -> BatchItem:
        sequence = item.sequence
        steps_singly = sequence.n_evaluated < sequence.single_step_until
        if _can_speculate(sequence):
            self._watched = sequence
            return item if steps_singly else replace(item, draft=self._draft(sequence, room))
        return replace(item, count=1) if steps_singly else item

    def _draft(self, sequence: Sequence, room: int) -> tuple[int, ...]:
        n_left = sequence.request.max_tokens + sequence.n_healed - sequence.n_generated - 1
        max_length = min(n_left, room - 1)
        return self._look_up(sequence, max_length) or self._ask_model(sequence, max_length)

    def _look_up(self, sequence: Sequence, max_length: int) -> tuple[int, ...]:
        match = self._match = self._lookup.find(sequence.id, sequence.tokens, SIZES[-1] - 1)
        if match is None:
            return ()
        max_length = min(len(match.following), max_length)
        return match.following[: self._policy.choose_length(match.length, max_length)]

    def _ask_model(self, sequence: Sequence, max_length: int) -> tuple[int, ...]:
        """Draft with the smaller model, or have it evaluate more of the text, if that pays."""
        model = self._draft_model
        if model is None or not model.has_room(sequence.tokens, SIZES[-1]):
            return ()
        unread, started_at = model.count_unread(sequence.tokens), self._clock()
        length = self._policy.choose_length(FROM_DRAFT_MODEL, max_length, unread)
        if length and unread:
            n_read = model.prefill(sequence)
            self._policy.record_prefill(max(1, n_read), (self._clock() - started_at) * 1000)
        elif length and (draft := model.draft(sequence, length)):
            self._policy.record_draft(length, (self._clock() - started_at) * 1000)
            self._match = Match(FROM_DRAFT_MODEL, draft)
            return draft
        return ()

    def _record_guess(self, position: int, is_right: bool) -> None:
        if self._match is not None:
            self._policy.record_guess(self._match.length, position, is_right)

    def _record_verification(self, item: BatchItem, n_decided: int, n_accepted: int) -> None:
        sequence, is_undecided = item.sequence, n_decided == n_accepted
        if n_decided:
            sequence.mark_drafted()
        if is_undecided:
            sequence.step_singly(len(sequence.tokens) + n_accepted)
        self._policy.record_bonus(not is_undecided)
        self.counts.drafts += 1
        self.counts.drafted += len(item.draft)
        self.counts.accepted += n_accepted
        self.counts.undecided += is_undecided

    def _elapsed_ms(self) -> float:
        return (self._clock() - self._started_at) * 1000


def find_leader(logits: Logits) -> tuple[int, float]:
    """The most probable token, and by how many logits it leads the second."""
    token = int(logits.argmax())
    others = (logits[:token], logits[token + 1 :])
    return token, float(logits[token]) - max(float(np.max(o, initial=-np.inf)) for o in others)


def is_clear(sequence: Sequence, logits: Logits) -> bool:
    """Whether approximate `logits` decide the next token of the sequence."""
    return sequence.sampler.is_greedy and find_leader(sequence.mask(logits))[1] > MIN_BATCH_LEAD


def _can_speculate(sequence: Sequence) -> bool:
    """Whether the sequence decodes text, and needs only the most probable token."""
    is_plain = (
        sequence.sampler.is_greedy and not sequence.wants_logprobs and sequence.grammar is None
    )
    is_text = not sequence.constraint.remaining and not sequence.images
    return sequence.is_decoding and is_plain and is_text
