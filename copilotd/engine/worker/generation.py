"""One step of all sequences in a batch: evaluate, sample, emit."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from copilotd.engine.protocol import Event, Finish, Generate, Output
from copilotd.engine.types import Chunk, Finished, FinishReason, GenerateRequest, Lane
from copilotd.engine.worker.constraints.grammar import Grammars
from copilotd.engine.worker.constraints.token_healing import UNCONSTRAINED, Constraint, split
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.reposition import Splicer
from copilotd.engine.worker.kv.slot_pool import KVPool
from copilotd.engine.worker.llama.model import N_BATCH, N_UBATCH, Decoded, Entry, Model
from copilotd.engine.worker.llama.sampling import Logits, Sampler
from copilotd.engine.worker.pipe import failed
from copilotd.engine.worker.scheduling.logprobs import Scorer
from copilotd.engine.worker.scheduling.prediction_cache import Trail
from copilotd.engine.worker.scheduling.scheduler import Scheduler, Share
from copilotd.engine.worker.scheduling.sequence import Sequence, SequenceStatus
from copilotd.engine.worker.scheduling.text_stream import Piece
from copilotd.engine.worker.speculation.speculation import Speculation, is_clear
from copilotd.engine.worker.vision.image_tokens import Picture
from copilotd.errors import ContextOverflow, EngineError, InvalidRequest

NO_PICTURES: Mapping[int, Picture] = MappingProxyType({})


class Generation:
    """Every generation in the worker. `step` is the engine's inner loop."""

    def __init__(
        self,
        model: Model,
        interrupt: Interrupt,
        pool: KVPool,
        emit: Callable[[Event], None],
        speculation: Speculation | None = None,
    ) -> None:
        self._model = model
        self._vocabulary = model.vocabulary
        self._interrupt = interrupt
        self._emit = emit
        self._pool = pool
        self._scheduler = Scheduler(self._pool, Splicer(model, pool), N_BATCH, N_UBATCH)
        self._grammars = Grammars(model.vocabulary)
        self._scorer = Scorer(model.vocabulary)
        self._trail = Trail()
        self._speculation = speculation or Speculation(enabled=False)

    @property
    def lane(self) -> Lane | None:
        """The first lane that has work; None if there is nothing to do."""
        return self._scheduler.lane

    def add(self, command: Generate, pictures: Mapping[int, Picture] = NO_PICTURES) -> None:
        """Queue a request; its answer ends where the context does.

        `pictures` are in its prompt, by the index of their first id.

        Raises:
            ContextOverflow: the prompt leaves no room for a single token.
            InvalidRequest: an empty prompt, a token that the vocabulary does not have, or a
                grammar that makes no sense.
        """
        request, constraint = self._healed(command.request)
        _check(request.prompt, pictures, self._model)
        room = max(1, self._model.n_ctx - len(request.prompt) - len(constraint.rest))
        request = replace(request, max_tokens=min(request.max_tokens, room))
        sampler = Sampler(request.sampling, self._vocabulary.size)
        guide = self._grammars.guide(request.grammar)
        sequence = Sequence(command.id, request, sampler, constraint, guide, pictures)
        self._scheduler.add(sequence)
        self._retrace(sequence)

    def cancel(self, id: int) -> None:
        """Drop a request; unknown ids are those that are over already."""
        for sequence in self._scheduler:
            if sequence.id == id:
                self._scheduler.remove(sequence)

    def step(self) -> None:
        """Evaluate one batch, sample from it, emit what came of it."""
        shares = self._speculation.extended(self._scheduler.schedule(), self._pool.free_cells())
        entries = [entry for share in shares for entry in _entries(share)]
        if not shares or not self._has_room(sum(share.cells for share in shares)):
            return
        outcome = self._decode(shares, entries)
        if outcome is Decoded.DONE:
            self._advance(shares)
        elif outcome is Decoded.INTERRUPTED:
            self._resynchronise(shares)
        elif self._speculation.withdrawn(shares):
            return
        elif not self._pool.evict_one() and not self._scheduler.preempt():
            self._overflow(shares)

    def _healed(self, request: GenerateRequest) -> tuple[GenerateRequest, Constraint]:
        """Take what is safe of the tail into the prompt; the rest constrains the output."""
        if not request.tail:
            return request, UNCONSTRAINED
        tokens = self._vocabulary.tokenize(request.tail, special=False)
        pieces = [self._vocabulary.piece(token) for token in tokens]
        # Something has to be evaluated before anything can be predicted.
        keep = max(split(pieces), 0 if request.prompt else 1)
        prompt = [*request.prompt, *tokens[:keep]]
        constraint = Constraint(self._vocabulary.pieces, b"".join(pieces[keep:]))
        return replace(request, prompt=prompt, tail=""), constraint

    # --- evaluate ----------------------------------------------------------------------------

    def _has_room(self, cells: int) -> bool:
        """Evict or preempt until the batch fits; False if it must be scheduled again."""
        return self._pool.make_room(cells) or not self._scheduler.preempt()

    def _decode(self, shares: list[Share], entries: list[Entry]) -> Decoded:
        lane = shares[0].sequence.request.lane
        self._interrupt.begin({share.sequence.id for share in shares}, lane)
        try:
            if picture := shares[0].sequence.picture:
                return self._model.see(picture, entries[0].sequence, entries[0].position)
            frugal = all(share.sequence.request.frugal for share in shares)
            return self._model.decode(entries, frugal=frugal)
        except EngineError as error:
            self._fail(shares, error)
            return Decoded.INTERRUPTED
        finally:
            self._interrupt.end()

    def _resynchronise(self, shares: list[Share]) -> None:
        """Learn what an interrupted batch left in the cache; one token stays to be evaluated."""
        for share in shares:
            sequence = share.sequence
            if sequence.slot is None:
                continue
            slot, before = sequence.slot, sequence.evaluated
            # Pictures can have more positions than the cache counts.
            done = max(before, min(self._model.length(slot.sequence), before + share.count))
            if done <= before:
                sequence.broken_off(share.count)
            self._pool.append(slot, sequence.tokens[before:done])
            self._pool.truncate(slot, min(done, len(sequence.tokens) - 1))

    def _overflow(self, shares: list[Share]) -> None:
        error = ContextOverflow("the KV cache has no room left", "Raise model.n_ctx.")
        self._fail(shares, error)

    def _fail(self, shares: list[Share], error: EngineError) -> None:
        for share in shares:
            sequence = share.sequence
            if sequence.slot is not None:
                # What a failed batch wrote is unknown.
                self._pool.truncate(sequence.slot, 0)
            self._scheduler.remove(sequence)
            self._emit(failed(sequence.id, error))

    # --- sample and emit ---------------------------------------------------------------------

    def _advance(self, shares: list[Share]) -> None:
        index = 0
        for share in shares:
            share.sequence.came_through()
            if share.draft:
                self._verify(share, index)
            else:
                self._evaluated(share, index)
            index += share.size

    def _evaluated(self, share: Share, index: int) -> None:
        sequence = share.sequence
        new = sequence.pending[: share.count]
        if sequence.request.prompt_logprobs and not sequence.generated:
            self._scorer.prompt(sequence, len(new), lambda i: self._model.logits(index + i))
        if sequence.slot is not None:
            self._pool.append(sequence.slot, new)
        if not sequence.pending:
            self._sample(sequence, index + share.count - 1)

    def _verify(self, share: Share, index: int) -> None:
        """Choose as far as the batch decides; what was guessed beyond leaves the cache again."""
        sequence, slot, length = share.sequence, share.sequence.slot, share.sequence.evaluated
        if slot is None:
            return
        rows = [self._model.logits(index + i) for i in range(share.size)]
        decided = self._speculation.decided(share, rows)
        self._pool.append(slot, [*sequence.pending, *share.draft])
        for row in range(index, index + decided):
            self._sample(sequence, row)
            length += 1
            if sequence.status is SequenceStatus.FINISHED:
                break
        self._pool.truncate(slot, length)

    def _sample(self, sequence: Sequence, index: int) -> None:
        logits = self._model.logits(index)
        if not self._speculation.settles(sequence, logits):
            return self._mend(sequence)
        sequence.first_token = sequence.first_token or time.perf_counter()
        if sequence.scores:
            self._emit(Output(sequence.id, Chunk("", sequence.scores, prompt=True)))
            sequence.scores = []
        if sequence.request.lane is not Lane.CHAT:
            rough = sequence.rough is not None
            self._trail.keep(sequence.tokens, logits, sequence.request.movable, rough=rough)
        self._choose(sequence, logits)

    def _mend(self, sequence: Sequence) -> None:
        """Have all that batches of guesses left in the cache evaluated again, token by token."""
        if sequence.slot is not None and sequence.rough is not None:
            self._pool.truncate(sequence.slot, sequence.rough)
        sequence.alone, sequence.rough = len(sequence.tokens), None

    def _retrace(self, sequence: Sequence) -> None:
        """Choose tokens for as long as it is remembered what the model predicts."""
        if sequence.scored:
            return
        while sequence.status is not SequenceStatus.FINISHED:
            found = self._trail.find(sequence.tokens, sequence.request.movable)
            if found is None or (found.rough and not is_clear(sequence, found.logits)):
                return
            sequence.first_token = sequence.first_token or time.perf_counter()
            sequence.cached = len(sequence.request.prompt)
            self._choose(sequence, found.logits)

    def _choose(self, sequence: Sequence, logits: Logits) -> None:
        """The next token of `sequence`, or its end."""
        if sequence.complete:
            return self._finish(sequence, FinishReason.LENGTH)
        token = sequence.sampler.choose(sequence.allowed(logits))
        if token in self._vocabulary.end_tokens:
            return self._finish(sequence, FinishReason.STOP)
        sequence.tokens.append(token)
        written = sequence.accept(token, self._vocabulary.piece(token))
        if written is None:
            return
        piece = sequence.output.push(written, self._scorer.chosen(sequence, token, logits))
        self._send(sequence, piece)
        if piece.stopped or sequence.is_at_its_end:
            return self._finish(sequence, FinishReason.STOP)
        if sequence.complete:
            self._finish(sequence, FinishReason.LENGTH)

    def _finish(self, sequence: Sequence, reason: FinishReason) -> None:
        if not sequence.output.stopped:
            self._send(sequence, sequence.output.finish())
        self._scheduler.remove(sequence)
        self._speculation.finished(sequence)
        finished = Finished(reason, sequence.usage(), sequence.output.stop)
        self._emit(Finish(sequence.id, finished))

    def _send(self, sequence: Sequence, piece: Piece) -> None:
        if not piece.text and not piece.tokens:
            return
        usage = None if sequence.started else sequence.usage()
        sequence.started = True
        self._emit(Output(sequence.id, Chunk(piece.text, list(piece.tokens), usage=usage)))


def _entries(share: Share) -> list[Entry]:
    sequence = share.sequence
    if sequence.slot is None:
        return []
    start, last = sequence.evaluated, len(sequence.tokens) - 1
    scored = sequence.request.prompt_logprobs and not sequence.generated
    return [
        Entry(token, start + i, sequence.slot.sequence, scored or start + i >= last)
        for i, token in enumerate([*sequence.pending[: share.count], *share.draft])
    ]


def _check(prompt: list[int], pictures: Mapping[int, Picture], model: Model) -> None:
    if not model.writes:
        raise InvalidRequest("this model makes embeddings and writes no text")
    if not prompt:
        raise InvalidRequest("the prompt is empty")
    seen = [range(start, start + len(one.ids)) for start, one in pictures.items()]
    if any(len(prompt) - 1 in ids for ids in seen):
        raise InvalidRequest("the prompt ends with an image, and a model goes on from text only")
    text = [t for i, t in enumerate(prompt) if not any(i in ids for ids in seen)]
    if not all(0 <= token < model.vocabulary.size for token in text):
        raise InvalidRequest(
            f"a token id is outside the vocabulary (0 to {model.vocabulary.size - 1})"
        )
    if len(prompt) >= model.n_ctx:
        raise ContextOverflow(
            f"the prompt has {len(prompt)} tokens, the context {model.n_ctx}",
            "Shorten the prompt, or raise model.n_ctx.",
        )
