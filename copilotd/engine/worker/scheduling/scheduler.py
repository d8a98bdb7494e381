"""Decides which sequences go into the next batch.

Lanes have strict priority: while a completion has work, no chat token is evaluated. Within a lane
all sequences decode together, and one prompt at a time is evaluated, first come first served. A
sequence that loses its slot to an earlier lane keeps its tokens and comes back. (A running chat
stays in the context during a completion: moving it out would cost more time than its cells cost the
completion.)
"""

from collections.abc import Iterator
from dataclasses import dataclass

from copilotd.engine.types import Lane
from copilotd.engine.worker.kv.reposition import Repositioner
from copilotd.engine.worker.kv.slot_pool import SlotPool
from copilotd.engine.worker.scheduling.sequence import Sequence, SequenceStatus

_MAX_SCORED_CHUNK = 32
"""Maximum number of tokens of a scored prompt in one batch: the logits of each token are kept, 600
kB with a vocabulary of 150,000."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """The part of a batch that belongs to one sequence: its next `count` pending tokens.

    The `draft` is a guess at the tokens that follow them.
    """

    sequence: Sequence
    count: int
    draft: tuple[int, ...] = ()

    @property
    def n_tokens(self) -> int:
        """Tokens in the batch."""
        return self.count + len(self.draft)

    @property
    def n_cells(self) -> int:
        """Cells of the KV cache that these tokens take."""
        image = self.sequence.next_image
        return image.cells if image else self.n_tokens


class Scheduler:
    """Holds every sequence that is not finished.

    A batch has at most `batch_size` tokens, or `shared_batch_size` where other sequences decode
    in it, because they have to wait for the whole batch.
    """

    def __init__(
        self, pool: SlotPool, repositioner: Repositioner, batch_size: int, shared_batch_size: int
    ) -> None:
        self._pool = pool
        self._repositioner = repositioner
        self._batch_size = batch_size
        self._shared_batch_size = shared_batch_size
        self._lanes: dict[Lane, list[Sequence]] = {lane: [] for lane in Lane}

    def add(self, sequence: Sequence) -> None:
        """Queue a new sequence in its lane."""
        self._lanes[sequence.request.lane].append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Finish the sequence; its slot keeps what it holds for later requests."""
        self._lanes[sequence.request.lane].remove(sequence)
        slot = sequence.finish()
        if slot is not None:
            self._pool.release(slot)

    def __iter__(self) -> Iterator[Sequence]:
        return iter([s for lane in Lane for s in self._lanes[lane]])

    @property
    def active_lane(self) -> Lane | None:
        """The first lane that has work."""
        return next((lane for lane in Lane if self._lanes[lane]), None)

    def schedule(self) -> list[BatchItem]:
        """The next batch: the first lane's decoding sequences, and a chunk of one prompt."""
        lane = self.active_lane
        if lane is None:
            return []
        self._admit(lane)
        running = [s for s in self._lanes[lane] if s.status is SequenceStatus.RUNNING]
        decoding = [BatchItem(s, 1) for s in running if s.is_decoding]
        prefill = next((s for s in running if not s.is_decoding), None)
        if prefill is None:
            return decoding
        self._reposition(prefill)
        if prefill.next_image:
            # llama.cpp takes either tokens or embeddings in one batch.
            return [BatchItem(prefill, prefill.n_next)]
        room = (self._shared_batch_size if decoding else self._batch_size) - len(decoding)
        return [*decoding, BatchItem(prefill, _limit_chunk(prefill, room))]

    def preempt(self) -> bool:
        """Take the slot of the newest sequence of the last lane; False if only one runs."""
        running = [s for s in self if s.status is SequenceStatus.RUNNING]
        if len(running) < 2:
            return False
        self._suspend(running[-1])
        return True

    def _admit(self, lane: Lane) -> None:
        """Give a slot to one waiting sequence at a time, so that each can share the last prompt."""
        queue = self._lanes[lane]
        if any(s.status is SequenceStatus.RUNNING and not s.is_decoding for s in queue):
            return
        waiting = next((s for s in queue if s.status is SequenceStatus.WAITING), None)
        if waiting is None:
            return
        while not self._fits(waiting):
            if not self._preempt_behind(lane):
                return
        tokens = waiting.reusable_tokens
        if waiting.reposition is None:
            waiting.plan_reposition(self._repositioner.plan(tokens, waiting.request.repositionable))
        slot = self._pool.acquire(
            tokens,
            waiting.approximate_from,
            keep_source=lane >= Lane.BACKGROUND,
            is_read_ahead=lane is Lane.READ_AHEAD,
        )
        if slot is not None:
            waiting.admit(slot)

    def _reposition(self, sequence: Sequence) -> None:
        """Insert the planned cells if all tokens before their target are evaluated."""
        slot, plan = sequence.slot, sequence.take_reposition()
        if plan is None or slot is None:
            return
        if self._repositioner.apply(plan, slot, sequence.tokens):
            sequence.add_cached(plan.run.length)

    def _fits(self, sequence: Sequence) -> bool:
        """Whether this and all running sequences could reach their ends side by side."""
        running = [s for s in self if s.status is SequenceStatus.RUNNING]
        growth = sum(max(0, s.cells_to_reserve - s.n_evaluated) for s in running)
        cost = self._pool.count_added_cells(
            sequence.reusable_tokens, sequence.cells_to_reserve, sequence.approximate_from
        )
        taken = self._pool.count_busy_cells() + growth
        return self._pool.has_idle_slot() and taken + cost <= self._pool.n_cells

    def _preempt_behind(self, lane: Lane) -> bool:
        """Take a slot from a sequence of a later lane; False if no later lane has a slot."""
        behind = [s for s in self if s.request.lane > lane and s.status is SequenceStatus.RUNNING]
        if behind:
            self._suspend(behind[-1])
        return bool(behind)

    def _suspend(self, sequence: Sequence) -> None:
        slot = sequence.suspend()
        if slot is not None:
            self._pool.suspend(slot)


def _limit_chunk(sequence: Sequence, room: int) -> int:
    """How many tokens of its prompt go into a batch that has room for `room` tokens."""
    if sequence.request.prompt_logprobs:
        room = min(room, _MAX_SCORED_CHUNK)
    return min(room, sequence.chunk_size, sequence.n_next)
