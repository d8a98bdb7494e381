"""All state of one generation, from its arrival in the worker to its last token."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from copilotd.engine.types import GenerateRequest, TokenLogprob, Usage
from copilotd.engine.worker.constraints.grammar import Guide
from copilotd.engine.worker.constraints.token_healing import Constraint
from copilotd.engine.worker.kv.memory_tier import ALL
from copilotd.engine.worker.kv.reposition import Splice
from copilotd.engine.worker.kv.slot_pool import Slot
from copilotd.engine.worker.llama.sampling import Logits, Sampler
from copilotd.engine.worker.scheduling.text_stream import TextStream
from copilotd.engine.worker.vision.image_tokens import Picture

_RESERVED = 1024
_STRIDE, _LEAST_STRIDE = 512, 16


class SequenceStatus(Enum):
    """Where a sequence stands."""

    WAITING = auto()
    """In its lane's queue, with no slot in the KV cache (also after it was preempted)."""
    RUNNING = auto()
    """It has a slot. Tokens that are not evaluated yet go into the next batches."""
    FINISHED = auto()
    """Its last event was sent; the slot is free again."""


@dataclass(slots=True, eq=False)
class Sequence:
    """`tokens` is the prompt and what was generated; the slot knows how many are evaluated.

    `splice` is put in when all before it is evaluated.
    `constraint` is the unfinished word that the output begins with, and `healing` the number of
    tokens that went into it; `guide` is its grammar; `pictures` stand in `tokens` from the index on
    that is their key. `stride` is how many tokens of the prompt are
    begun at once. `started`
    says that a piece was sent; `scores` collects the prompt's log probabilities. Of the first
    `alone` tokens, those that are pending are evaluated one by one; `rough` is the first that was
    evaluated in a batch of guesses (see `speculation.py`).
    """

    id: int
    request: GenerateRequest
    sampler: Sampler
    constraint: Constraint
    guide: Guide | None = None
    pictures: Mapping[int, Picture] = field(default_factory=dict)
    healing: int = 0
    stride: int = _STRIDE
    status: SequenceStatus = SequenceStatus.WAITING
    slot: Slot | None = None
    splice: Splice | None = None
    cached: int = 0
    alone: int = 0
    rough: int | None = None
    tokens: list[int] = field(default_factory=list)
    output: TextStream = field(init=False)
    arrived: float = field(default_factory=time.perf_counter)
    admitted: float = 0.0
    first_token: float = 0.0
    started: bool = False
    scores: list[TokenLogprob] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokens = list(self.request.prompt)
        self.output = TextStream(self.request.stop)

    @property
    def evaluated(self) -> int:
        """Leading tokens whose keys and values are in the cache."""
        return len(self.slot.tokens) if self.slot else 0

    @property
    def pending(self) -> list[int]:
        """Tokens still to be evaluated before the next one can be sampled; never empty."""
        return self.tokens[self.evaluated :]

    @property
    def picture(self) -> Picture | None:
        """The picture that is evaluated next, if one is."""
        return self.pictures.get(self.evaluated)

    @property
    def due(self) -> int:
        """How many of them are evaluated next: a picture, or what is left to one or to a splice."""
        if self.picture:
            return len(self.picture.ids)
        end = self.splice.run.target if self.splice else len(self.tokens)
        ahead = [start for start in self.pictures if start > self.evaluated]
        return min([end, *ahead]) - self.evaluated

    @property
    def generated(self) -> int:
        """Tokens sampled so far."""
        return len(self.tokens) - len(self.request.prompt)

    @property
    def complete(self) -> bool:
        """Whether as many tokens were written as were asked for, healing aside."""
        return self.generated - self.healing >= self.request.max_tokens

    @property
    def decoding(self) -> bool:
        """Whether the prompt is done, so that each batch takes one token of it."""
        return self.generated > 0 and len(self.pending) == 1

    @property
    def scored(self) -> bool:
        """Whether log probabilities were asked for."""
        return self.request.prompt_logprobs or self.request.logprobs is not None

    @property
    def reusable(self) -> list[int]:
        """Tokens that need not be evaluated if the cache holds them."""
        scored = self.request.prompt_logprobs and not self.generated
        return [] if scored else self.tokens

    @property
    def loose(self) -> int:
        """The token from which on cells will do that were moved."""
        return self.request.movable[0] if self.request.movable else ALL

    @property
    def need(self) -> int:
        """Cells to reserve: most answers are much shorter than what they were allowed."""
        healed = self.healing + len(self.constraint.rest)
        return len(self.request.prompt) + healed + min(self.request.max_tokens, _RESERVED)

    def admit(self, slot: Slot) -> None:
        """Take a slot, which holds a beginning of `tokens` already."""
        self.slot = slot
        self.alone = 0
        self.status = SequenceStatus.RUNNING
        if not self.admitted:
            self.admitted = time.perf_counter()
            self.cached = max(self.cached, min(len(slot.tokens), len(self.request.prompt)))

    def broken_off(self, tokens: int) -> None:
        """A batch with `tokens` of the prompt was interrupted before any was done.

        Smaller ones from now on: else a prompt would never be read beside somebody who types.
        """
        self.stride = max(_LEAST_STRIDE, min(tokens, self.stride) // 2)

    def came_through(self) -> None:
        """A batch was evaluated: larger ones, which cost less a token, may be tried again."""
        self.stride = min(_STRIDE, self.stride * 2)

    def allowed(self, logits: Logits) -> Logits:
        """The logits of the tokens that may be chosen; -inf for the others."""
        allowed = self.constraint.apply(logits)
        return allowed if self.guide is None else self.guide.apply(allowed)

    @property
    def is_at_its_end(self) -> bool:
        """Whether its grammar leaves nothing to write."""
        return self.guide is not None and self.guide.is_done

    def accept(self, token: int, piece: bytes) -> bytes | None:
        """What a chosen token writes; None if it only continues the word that is healed."""
        if self.guide is not None:
            self.guide.accept(token, piece)
        healing = bool(self.constraint.rest)
        written = self.constraint.accept(piece)
        if healing and not written:
            self.healing += 1
            return None
        return written

    def usage(self) -> Usage:
        """What it has cost until now."""
        now = time.perf_counter()
        first = self.first_token or now
        return Usage(
            prompt_tokens=len(self.request.prompt),
            cached_tokens=self.cached,
            completion_tokens=self.generated,
            queue_ms=((self.admitted or now) - self.arrived) * 1000,
            prefill_ms=(first - (self.admitted or first)) * 1000,
            decode_ms=(now - first) * 1000,
        )
