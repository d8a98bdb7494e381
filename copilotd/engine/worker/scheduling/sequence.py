"""All state of one generation, from its arrival in the worker to its last token.

Only the methods of `Sequence` change this state. Everybody else reads it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from copilotd.engine.types import GenerateRequest, TokenLogprob, Usage
from copilotd.engine.worker.constraints.grammar import GrammarMatcher
from copilotd.engine.worker.constraints.token_healing import Constraint
from copilotd.engine.worker.kv.memory_tier import ALL_TOKENS
from copilotd.engine.worker.kv.reposition import RepositionPlan
from copilotd.engine.worker.kv.slot import Slot
from copilotd.engine.worker.llama.sampling import Logits, Sampler
from copilotd.engine.worker.scheduling.text_stream import TextDelta, TextStream
from copilotd.engine.worker.vision.image_tokens import ImageTokens

_RESERVED_OUTPUT = 1024
_MAX_CHUNK, _MIN_CHUNK = 512, 16


class SequenceStatus(Enum):
    """The phase of a sequence."""

    WAITING = auto()
    """In its lane's queue, without a slot in the KV cache (also after it was preempted)."""
    RUNNING = auto()
    """It has a slot. Its pending tokens go into the next batches."""
    FINISHED = auto()
    """It has ended, and its slot is free again."""


@dataclass(slots=True, eq=False)
class Sequence:
    """One request and its progress. `tokens` is the prompt, then what was generated.

    The slot knows how many tokens are evaluated. Times are those of `time.perf_counter`; 0.0 means
    not yet.
    """

    id: int
    request: GenerateRequest
    sampler: Sampler
    constraint: Constraint
    """The unfinished word that the output has to begin with."""
    grammar: GrammarMatcher | None = None
    images: Mapping[int, ImageTokens] = field(default_factory=dict)
    """The images, by the index in `tokens` of their first token."""
    status: SequenceStatus = SequenceStatus.WAITING
    slot: Slot | None = None
    reposition: RepositionPlan | None = None
    """Cells to insert as soon as all tokens before their target are evaluated."""
    tokens: list[int] = field(default_factory=list)
    n_cached: int = 0
    """Tokens of the prompt that needed no evaluation."""
    n_healed: int = 0
    """Number of generated tokens that went into the unfinished word."""
    chunk_size: int = _MAX_CHUNK
    """Maximum number of tokens of the prompt that go into one batch."""
    single_step_until: int = 0
    """Pending tokens among this many first tokens are evaluated one at a time."""
    drafted_from: int | None = None
    """The first token whose keys and values come from a batch with a draft (`speculation.py`)."""
    output: TextStream = field(init=False)
    has_output: bool = False
    """Whether a chunk of output was sent."""
    prompt_logprobs: list[TokenLogprob] = field(default_factory=list)
    arrived_at: float = field(default_factory=time.perf_counter)
    admitted_at: float = 0.0
    first_token_at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = list(self.request.prompt)
        self.output = TextStream(self.request.stop)

    # --- what is left to do ------------------------------------------------------------------

    @property
    def n_evaluated(self) -> int:
        """Leading tokens whose keys and values are in the cache."""
        return len(self.slot.tokens) if self.slot else 0

    @property
    def n_generated(self) -> int:
        """Tokens sampled so far."""
        return len(self.tokens) - len(self.request.prompt)

    @property
    def pending(self) -> list[int]:
        """Tokens to evaluate before the next one can be sampled; never empty."""
        return self.tokens[self.n_evaluated :]

    @property
    def n_pending(self) -> int:
        """Length of `pending`, without a copy of it."""
        return len(self.tokens) - self.n_evaluated

    @property
    def next_image(self) -> ImageTokens | None:
        """The image that is evaluated next; None if text is."""
        return self.images.get(self.n_evaluated)

    @property
    def n_next(self) -> int:
        """Number of pending tokens for one batch: an image, or text up to the next stop.

        Text stops at an image, at the target of repositioned cells, or at the end of the tokens.
        """
        if self.next_image:
            return len(self.next_image.ids)
        end = self.reposition.run.target if self.reposition else len(self.tokens)
        images_ahead = [start for start in self.images if start > self.n_evaluated]
        return min([end, *images_ahead]) - self.n_evaluated

    @property
    def is_decoding(self) -> bool:
        """Whether the prompt is evaluated, so that each batch takes one token."""
        return self.n_generated > 0 and self.n_pending == 1

    @property
    def has_max_tokens(self) -> bool:
        """Whether it generated as many tokens as the request allows, healed ones not counted."""
        return self.n_generated - self.n_healed >= self.request.max_tokens

    @property
    def is_grammar_done(self) -> bool:
        """Whether its grammar allows no further token."""
        return self.grammar is not None and self.grammar.is_done

    @property
    def is_approximate(self) -> bool:
        """Whether keys and values from a batch with a draft are in its cache."""
        return self.drafted_from is not None

    # --- what the request wants --------------------------------------------------------------

    @property
    def scores_prompt(self) -> bool:
        """Whether the next tokens are tokens of a prompt that the client wants scored."""
        return self.request.prompt_logprobs and not self.n_generated

    @property
    def wants_logprobs(self) -> bool:
        """Whether the client wants log probabilities of any tokens."""
        return self.request.prompt_logprobs or self.request.logprobs is not None

    @property
    def reusable_tokens(self) -> list[int]:
        """The leading tokens that need no evaluation if the cache holds them."""
        return [] if self.scores_prompt else self.tokens

    @property
    def approximate_from(self) -> int:
        """The index of the first token that may use repositioned cells."""
        return self.request.repositionable[0] if self.request.repositionable else ALL_TOKENS

    @property
    def cells_to_reserve(self) -> int:
        """Cells to keep free for its output: most outputs are far shorter than `max_tokens`."""
        n_word = self.n_healed + len(self.constraint.remaining)
        return len(self.request.prompt) + n_word + min(self.request.max_tokens, _RESERVED_OUTPUT)

    # --- transitions -------------------------------------------------------------------------

    def plan_reposition(self, plan: RepositionPlan | None) -> None:
        """Have the cells of `plan` inserted once all tokens before their target are evaluated."""
        self.reposition = plan

    def take_reposition(self) -> RepositionPlan | None:
        """Return the plan if its target is reached now; forget it if it is reached or passed."""
        plan = self.reposition
        if plan is None or self.n_evaluated < plan.run.target:
            return None
        self.reposition = None
        return plan if self.n_evaluated == plan.run.target else None

    def admit(self, slot: Slot) -> None:
        """Run in `slot`, which holds a beginning of `tokens` already."""
        self.slot = slot
        self.single_step_until = 0
        self.status = SequenceStatus.RUNNING
        if not self.admitted_at:
            self.admitted_at = time.perf_counter()
            self.n_cached = max(self.n_cached, min(len(slot.tokens), len(self.request.prompt)))

    def suspend(self) -> Slot | None:
        """Wait for another slot; return the one that it gives up."""
        slot, self.slot = self.slot, None
        self.status = SequenceStatus.WAITING
        return slot

    def finish(self) -> Slot | None:
        """End the generation; return the slot that it gives up, if it has one."""
        slot, self.slot = self.slot, None
        self.status = SequenceStatus.FINISHED
        return slot

    def shrink_chunks(self, n_tokens: int) -> None:
        """Record that a batch with `n_tokens` of the prompt was interrupted at its start.

        The next ones are smaller: otherwise a prompt would never be evaluated while a user types.
        """
        self.chunk_size = max(_MIN_CHUNK, min(n_tokens, self.chunk_size) // 2)

    def grow_chunks(self) -> None:
        """Record that a batch was evaluated: larger ones cost less per token, so try them again."""
        self.chunk_size = min(_MAX_CHUNK, self.chunk_size * 2)

    def add_cached(self, n_tokens: int) -> None:
        """Record that repositioned cells saved the evaluation of `n_tokens`."""
        self.n_cached = min(self.n_cached + n_tokens, len(self.request.prompt))

    def skip_prefill(self) -> None:
        """Record that a cached prediction makes the evaluation of the prompt unnecessary."""
        self.n_cached = len(self.request.prompt)
        self.begin_output()

    def begin_output(self) -> None:
        """Record the time of the first prediction; later calls change nothing."""
        self.first_token_at = self.first_token_at or time.perf_counter()

    def add_prompt_logprobs(self, scores: list[TokenLogprob]) -> None:
        """Collect the log probabilities of more tokens of the prompt."""
        self.prompt_logprobs += scores

    def take_prompt_logprobs(self) -> list[TokenLogprob]:
        """Return the log probabilities of the prompt's tokens, and keep them no longer."""
        scores, self.prompt_logprobs = self.prompt_logprobs, []
        return scores

    def mark_drafted(self) -> None:
        """Record that all later keys and values come from a batch with a draft."""
        if self.drafted_from is None:
            self.drafted_from = self.n_evaluated

    def step_singly(self, length: int) -> None:
        """Evaluate the pending tokens among the first `length` tokens one at a time."""
        self.single_step_until = length

    def discard_drafted(self) -> int | None:
        """Drop everything that came from batches with a draft; it is evaluated again one by one.

        Returns the index of the first such token; None if there is none.
        """
        start, self.drafted_from = self.drafted_from, None
        self.step_singly(len(self.tokens))
        return start

    def append(self, token: int, piece: bytes, score: TokenLogprob | None) -> TextDelta | None:
        """Add a chosen token, whose bytes are `piece`; return the text that can be sent now.

        None if the token only continues the unfinished word.
        """
        self.tokens.append(token)
        if self.grammar is not None:
            self.grammar.accept(token, piece)
        is_healing = bool(self.constraint.remaining)
        written = self.constraint.accept(piece)
        if is_healing and not written:
            self.n_healed += 1
            return None
        return self.output.push(written, score)

    def flush(self) -> TextDelta:
        """Return the text that was held back, unless a stop string ended the output."""
        return TextDelta() if self.output.is_stopped else self.output.flush()

    def take_first_usage(self) -> Usage | None:
        """The usage for the first chunk of output; None for every later one."""
        if self.has_output:
            return None
        self.has_output = True
        return self.compute_usage()

    # --- for the next token and the client ---------------------------------------------------

    def mask(self, logits: Logits) -> Logits:
        """The logits of the tokens that may be chosen; -inf for the others."""
        masked = self.constraint.apply(logits)
        return masked if self.grammar is None else self.grammar.apply(masked)

    def compute_usage(self) -> Usage:
        """The costs so far."""
        now = time.perf_counter()
        first = self.first_token_at or now
        return Usage(
            prompt_tokens=len(self.request.prompt),
            cached_tokens=self.n_cached,
            completion_tokens=self.n_generated,
            queue_ms=((self.admitted_at or now) - self.arrived_at) * 1000,
            prefill_ms=(first - (self.admitted_at or first)) * 1000,
            decode_ms=(now - first) * 1000,
        )
