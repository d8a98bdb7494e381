"""Which sequences go into the next batch.

Strictly by lane: while a completion has work, no chat token is evaluated. Within a lane all
sequences decode together, and one prompt at a time is evaluated, first come first served. A
sequence that loses its slot to a lane before its own keeps its tokens and comes back. (To take a
running chat out of the context for each completion costs more than its cells slow that one down.)
"""

from collections.abc import Iterator
from dataclasses import dataclass

from copilotd.engine.types import Lane
from copilotd.engine.worker.kv.reposition import Splicer
from copilotd.engine.worker.kv.slot_pool import KVPool
from copilotd.engine.worker.scheduling.sequence import Sequence, SequenceStatus


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a batch that belongs to one sequence: its next `count` pending tokens.

    A `draft` is a guess at what follows them.
    """

    sequence: Sequence
    count: int
    draft: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Tokens in the batch."""
        return self.count + len(self.draft)

    @property
    def cells(self) -> int:
        """Cells of the KV cache that they take."""
        picture = self.sequence.picture
        return picture.cells if picture else self.size


class Scheduler:
    """Holds every sequence that is not finished.

    A batch has at most `batch_size` tokens, or `slice_size` where others decode in it and would
    have to wait.
    """

    def __init__(self, pool: KVPool, splicer: Splicer, batch_size: int, slice_size: int) -> None:
        self._pool = pool
        self._splicer = splicer
        self._batch_size = batch_size
        self._slice_size = slice_size
        self._lanes: dict[Lane, list[Sequence]] = {lane: [] for lane in Lane}

    def add(self, sequence: Sequence) -> None:
        """Queue a new sequence in its lane."""
        self._lanes[sequence.request.lane].append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """The sequence is finished or cancelled; its slot keeps what it holds."""
        self._lanes[sequence.request.lane].remove(sequence)
        self._give_back(sequence)
        sequence.status = SequenceStatus.FINISHED

    def __iter__(self) -> Iterator[Sequence]:
        return iter([s for lane in Lane for s in self._lanes[lane]])

    @property
    def lane(self) -> Lane | None:
        """The first lane that has work."""
        return next((lane for lane in Lane if self._lanes[lane]), None)

    def schedule(self) -> list[Share]:
        """The next batch: the first lane's decoding sequences, and a slice of one prompt."""
        lane = self.lane
        if lane is None:
            return []
        self._admit(lane)
        running = [s for s in self._lanes[lane] if s.status is SequenceStatus.RUNNING]
        decoding = [Share(s, 1) for s in running if s.decoding]
        prefill = next((s for s in running if not s.decoding), None)
        if prefill is None:
            return decoding
        room = (self._slice_size if decoding else self._batch_size) - len(decoding)
        if prefill.request.prompt_logprobs:
            # Logits of every token are kept: 600 kB each with a vocabulary of 150,000.
            room = min(room, 32)
        self._splice(prefill)
        if prefill.picture:
            # llama.cpp takes tokens or embeddings in one batch.
            return [Share(prefill, prefill.due)]
        return [*decoding, Share(prefill, min(room, prefill.stride, prefill.due))]

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
        if any(s.status is SequenceStatus.RUNNING and not s.decoding for s in queue):
            return
        waiting = next((s for s in queue if s.status is SequenceStatus.WAITING), None)
        if waiting is None:
            return
        while not self._fits(waiting):
            if not self._preempt_behind(lane):
                return
        if waiting.splice is None:
            waiting.splice = self._splicer.plan(waiting.reusable, waiting.request.movable)
        slot = self._pool.acquire(waiting.reusable, waiting.loose, keep=lane is Lane.BACKGROUND)
        if slot is not None:
            waiting.admit(slot)

    def _splice(self, sequence: Sequence) -> None:
        """Put the planned splice in if its place is reached; it is dropped if it cannot be."""
        splice, slot = sequence.splice, sequence.slot
        if splice is None or slot is None or sequence.evaluated < splice.run.target:
            return
        sequence.splice = None
        if sequence.evaluated == splice.run.target:
            if self._splicer.put(splice, slot, sequence.tokens):
                cached = sequence.cached + splice.run.length
                sequence.cached = min(cached, len(sequence.request.prompt))

    def _fits(self, sequence: Sequence) -> bool:
        """Whether all running sequences could come to their end beside this one."""
        running = [s for s in self if s.status is SequenceStatus.RUNNING]
        growth = sum(max(0, s.need - s.evaluated) for s in running)
        cost = self._pool.cost(sequence.reusable, sequence.need, sequence.loose)
        taken = self._pool.busy_cells() + growth
        return self._pool.has_idle() and taken + cost <= self._pool.n_cells

    def _preempt_behind(self, lane: Lane) -> bool:
        behind = [s for s in self if s.request.lane > lane and s.status is SequenceStatus.RUNNING]
        if behind:
            self._suspend(behind[-1])
        return bool(behind)

    def _suspend(self, sequence: Sequence) -> None:
        if sequence.slot is not None:
            self._pool.suspend(sequence.slot)
            sequence.slot = None
        sequence.status = SequenceStatus.WAITING

    def _give_back(self, sequence: Sequence) -> None:
        if sequence.slot is not None:
            self._pool.release(sequence.slot)
            sequence.slot = None
