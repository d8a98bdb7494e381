"""One step of all sequences in a batch: evaluate, sample, emit."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from msgspec.structs import replace

from copilotd.engine.protocol import Event, Finish, Generate, Output
from copilotd.engine.types import Chunk, Finished, FinishReason, GenerateRequest, Lane
from copilotd.engine.worker.backend import Backend
from copilotd.engine.worker.constraints.grammar import GrammarCompiler
from copilotd.engine.worker.constraints.token_healing import (
    UNCONSTRAINED,
    Constraint,
    count_safe_tokens,
)
from copilotd.engine.worker.faults import to_engine_error
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.reposition import Repositioner
from copilotd.engine.worker.kv.slot_pool import SlotPool
from copilotd.engine.worker.llama.batch import N_BATCH, N_UBATCH, BatchEntry, DecodeResult
from copilotd.engine.worker.llama.sampling import Logits, Sampler
from copilotd.engine.worker.pipe import make_failure
from copilotd.engine.worker.scheduling.logprobs import LogprobScorer
from copilotd.engine.worker.scheduling.prediction_cache import PredictionCache
from copilotd.engine.worker.scheduling.scheduler import BatchItem, Scheduler
from copilotd.engine.worker.scheduling.sequence import Sequence, SequenceStatus
from copilotd.engine.worker.scheduling.text_stream import TextDelta
from copilotd.engine.worker.speculation.speculation import Speculation, is_clear
from copilotd.engine.worker.vision.image_tokens import ImageTokens
from copilotd.engine.worker.work_clock import WorkClock
from copilotd.errors import ContextOverflow, EngineError, InvalidRequest

NO_IMAGES: Mapping[int, ImageTokens] = MappingProxyType({})


class Generation:
    """Runs every generation in the worker. `step` is the engine's inner loop."""

    def __init__(
        self,
        model: Backend,
        interrupt: Interrupt,
        pool: SlotPool,
        emit: Callable[[Event], None],
        speculation: Speculation | None = None,
        clock: WorkClock | None = None,
    ) -> None:
        self._model = model
        self._vocabulary = model.vocabulary
        self._interrupt = interrupt
        self._emit = emit
        self._clock = clock or WorkClock()
        self._pool = pool
        self._scheduler = Scheduler(pool, Repositioner(model, pool), N_BATCH, N_UBATCH)
        self._grammars = GrammarCompiler(model.vocabulary)
        self._scorer = LogprobScorer(model.vocabulary)
        self._predictions = PredictionCache()
        self._speculation = speculation or Speculation(enabled=False)

    @property
    def active_lane(self) -> Lane | None:
        """The first lane that has work; None if there is nothing to do."""
        return self._scheduler.active_lane

    def add(self, command: Generate, images: Mapping[int, ImageTokens] = NO_IMAGES) -> None:
        """Queue a request; its output ends at the latest when the context is full.

        `images` are the images in its prompt, by the index of their first token.

        Raises:
            ContextOverflow: the prompt leaves no room for a single token.
            InvalidRequest: the prompt is empty, a token is not in the vocabulary, or the grammar
                is invalid.
        """
        request, constraint = self._heal_prompt(command.request)
        _check_prompt(request.prompt, images, self._model)
        room = max(1, self._model.n_ctx - len(request.prompt) - len(constraint.remaining))
        request = replace(request, max_tokens=min(request.max_tokens, room))
        sampler = Sampler(request.sampling, self._vocabulary.size)
        grammar = self._grammars.compile(request.grammar)
        sequence = Sequence(command.id, request, sampler, constraint, grammar, images)
        self._scheduler.add(sequence)
        with self._barrier(sequence):
            self._use_predictions(sequence)

    def cancel(self, id: int) -> None:
        """Drop a request; ignore an unknown id, because that request has already ended."""
        for sequence in self._scheduler:
            if sequence.id == id:
                self._scheduler.remove(sequence)

    def step(self) -> None:
        """Evaluate one batch, sample from it, emit the results.

        A fault of one request ends that request; one of the whole batch ends all of them.
        """
        try:
            self._step()
        except Exception as error:
            for sequence in self._scheduler:
                self._fail(sequence, to_engine_error(error))

    def _step(self) -> None:
        batch = self._scheduler.schedule()
        batch = self._speculation.add_draft(batch, self._pool.count_free_cells())
        if not batch or not self._has_room(batch):
            return
        result = self._decode(batch)
        if result is DecodeResult.DONE:
            self._process(batch)
        elif result is DecodeResult.INTERRUPTED:
            self._resynchronise(batch)
        elif self._speculation.withdraw_draft(batch):
            return
        elif not self._pool.evict_one() and not self._scheduler.preempt():
            error = ContextOverflow("the KV cache has no room left", "Raise model.n_ctx.")
            for item in batch:
                self._fail(item.sequence, error)

    def _heal_prompt(self, request: GenerateRequest) -> tuple[GenerateRequest, Constraint]:
        """Move the safe tokens of the tail into the prompt; the rest constrains the output."""
        if not request.tail:
            return request, UNCONSTRAINED
        tokens = self._vocabulary.tokenize(request.tail, special=False)
        pieces = [self._vocabulary.token_to_piece(token) for token in tokens]
        # Something has to be evaluated before anything can be predicted.
        n_safe = max(count_safe_tokens(pieces), 0 if request.prompt else 1)
        prompt = [*request.prompt, *tokens[:n_safe]]
        constraint = Constraint(self._vocabulary.token_bytes, b"".join(pieces[n_safe:]))
        return replace(request, prompt=prompt, tail=""), constraint

    # --- evaluate ----------------------------------------------------------------------------

    def _has_room(self, batch: list[BatchItem]) -> bool:
        """Evict or preempt until the batch fits; False if it must be scheduled again."""
        n_cells = sum(item.n_cells for item in batch)
        return self._pool.make_room(n_cells) or not self._scheduler.preempt()

    def _decode(self, batch: list[BatchItem]) -> DecodeResult:
        first = batch[0].sequence
        self._interrupt.begin_batch({item.sequence.id for item in batch}, first.request.lane)
        try:
            with self._clock.evaluate(sum(item.n_cells for item in batch)):
                return self._evaluate(batch)
        except Exception as error:
            for item in batch:
                self._fail(item.sequence, to_engine_error(error))
            return DecodeResult.INTERRUPTED
        finally:
            self._interrupt.end_batch()

    def _evaluate(self, batch: list[BatchItem]) -> DecodeResult:
        first = batch[0].sequence
        if first.next_image and first.slot:
            slot_id = first.slot.sequence
            return self._model.decode_image(first.next_image, slot_id, first.n_evaluated)
        entries = [entry for item in batch for entry in _list_entries(item)]
        frugal = all(item.sequence.request.frugal for item in batch)
        return self._model.decode(entries, frugal=frugal)

    def _resynchronise(self, batch: list[BatchItem]) -> None:
        """Record what an interrupted batch left in the cache; at least one token stays pending."""
        for item in batch:
            sequence = item.sequence
            if sequence.slot is None:
                continue
            slot, before = sequence.slot, sequence.n_evaluated
            # The cache can count fewer positions than an image has, so less than `before`.
            n_done = max(before, min(self._model.cached_length(slot.sequence), before + item.count))
            if n_done <= before:
                sequence.shrink_chunks(item.count)
            self._pool.append(slot, sequence.tokens[before:n_done])
            self._pool.truncate(slot, min(n_done, len(sequence.tokens) - 1))

    @contextmanager
    def _barrier(self, sequence: Sequence) -> Iterator[None]:
        """A fault within this context ends `sequence` and no other."""
        try:
            yield
        except Exception as error:
            self._fail(sequence, to_engine_error(error))

    def _fail(self, sequence: Sequence, error: EngineError) -> None:
        if sequence.slot is not None:
            # It is unknown which of its cells were written.
            self._pool.truncate(sequence.slot, 0)
        if sequence.status is not SequenceStatus.FINISHED:
            self._scheduler.remove(sequence)
        self._emit(make_failure(sequence.id, error))

    # --- sample and emit ---------------------------------------------------------------------

    def _process(self, batch: list[BatchItem]) -> None:
        """Sample from an evaluated batch; `index` is where an item's tokens begin in the batch."""
        index = 0
        for item in batch:
            with self._barrier(item.sequence):
                item.sequence.grow_chunks()
                if item.draft:
                    self._verify(item, index)
                else:
                    self._advance(item, index)
            index += item.n_tokens

    def _advance(self, item: BatchItem, index: int) -> None:
        sequence = item.sequence
        new = sequence.pending[: item.count]
        if sequence.scores_prompt:
            self._scorer.score_prompt(sequence, len(new), lambda i: self._model.logits(index + i))
        if sequence.slot is not None:
            self._pool.append(sequence.slot, new)
        if not sequence.n_pending:
            self._sample(sequence, index + item.count - 1)

    def _verify(self, item: BatchItem, index: int) -> None:
        """Sample as far as the batch decides; remove the rest of the draft from the cache."""
        sequence, slot, length = item.sequence, item.sequence.slot, item.sequence.n_evaluated
        if slot is None:
            return
        rows = [self._model.logits(index + i) for i in range(item.n_tokens)]
        n_decided = self._speculation.verify(item, rows)
        self._pool.append(slot, [*sequence.pending, *item.draft])
        for row in range(index, index + n_decided):
            self._sample(sequence, row)
            length += 1
            if sequence.status is SequenceStatus.FINISHED:
                break
        self._pool.truncate(slot, length)

    def _sample(self, sequence: Sequence, index: int) -> None:
        logits = self._model.logits(index)
        if not self._speculation.accept_single_step(sequence, logits):
            return self._evaluate_again(sequence)
        sequence.begin_output()
        if sequence.prompt_logprobs:
            scores = sequence.take_prompt_logprobs()
            self._emit(Output(sequence.id, Chunk("", scores, is_prompt=True)))
        if sequence.request.lane in (Lane.COMPLETION, Lane.BACKGROUND):
            self._predictions.store(
                sequence.tokens,
                logits,
                sequence.request.repositionable,
                approximate=sequence.is_approximate,
            )
        self._choose(sequence, logits)

    def _evaluate_again(self, sequence: Sequence) -> None:
        """Evaluate every token that came from a batch with a draft again, one token at a time."""
        start = sequence.discard_drafted()
        if sequence.slot is not None and start is not None:
            self._pool.truncate(sequence.slot, start)

    def _use_predictions(self, sequence: Sequence) -> None:
        """Choose tokens for as long as the model's predictions are cached."""
        if sequence.wants_logprobs:
            return
        while sequence.status is not SequenceStatus.FINISHED:
            prediction = self._predictions.find(sequence.tokens, sequence.request.repositionable)
            if prediction is None:
                return
            if prediction.approximate and not is_clear(sequence, prediction.logits):
                return
            sequence.skip_prefill()
            self._choose(sequence, prediction.logits)

    def _choose(self, sequence: Sequence, logits: Logits) -> None:
        """Choose the next token of `sequence`, or end it."""
        if sequence.has_max_tokens:
            return self._finish(sequence, FinishReason.LENGTH)
        token = sequence.sampler.choose(sequence.mask(logits))
        if token in self._vocabulary.end_tokens:
            return self._finish(sequence, FinishReason.STOP)
        score = self._scorer.score_choice(sequence, token, logits)
        delta = sequence.append(token, self._vocabulary.token_to_piece(token), score)
        if delta is None:
            return
        self._send(sequence, delta)
        if delta.stopped or sequence.is_grammar_done:
            return self._finish(sequence, FinishReason.STOP)
        if sequence.has_max_tokens:
            self._finish(sequence, FinishReason.LENGTH)

    def _finish(self, sequence: Sequence, reason: FinishReason) -> None:
        self._send(sequence, sequence.flush())
        self._scheduler.remove(sequence)
        self._speculation.record_output(sequence)
        finished = Finished(reason, sequence.compute_usage(), sequence.output.stop_text)
        self._emit(Finish(sequence.id, finished))

    def _send(self, sequence: Sequence, delta: TextDelta) -> None:
        if not delta.text and not delta.tokens:
            return
        chunk = Chunk(delta.text, list(delta.tokens), usage=sequence.take_first_usage())
        self._emit(Output(sequence.id, chunk))


def _list_entries(item: BatchItem) -> list[BatchEntry]:
    sequence = item.sequence
    if sequence.slot is None:
        return []
    start, last = sequence.n_evaluated, len(sequence.tokens) - 1
    needs_all = sequence.scores_prompt
    return [
        BatchEntry(token, start + i, sequence.slot.sequence, needs_all or start + i >= last)
        for i, token in enumerate([*sequence.pending[: item.count], *item.draft])
    ]


def _check_prompt(prompt: list[int], images: Mapping[int, ImageTokens], model: Backend) -> None:
    if not model.can_generate:
        raise InvalidRequest("this model makes embeddings and writes no text")
    if not prompt:
        raise InvalidRequest("the prompt is empty")
    of_images = [range(start, start + len(image.ids)) for start, image in images.items()]
    if any(len(prompt) - 1 in positions for positions in of_images):
        raise InvalidRequest("the prompt ends with an image; it must end with text")
    text = [t for i, t in enumerate(prompt) if not any(i in positions for positions in of_images)]
    if not all(0 <= token < model.vocabulary.size for token in text):
        raise InvalidRequest(
            f"a token id is outside the vocabulary (0 to {model.vocabulary.size - 1})"
        )
    if len(prompt) >= model.n_ctx:
        raise ContextOverflow(
            f"the prompt has {len(prompt)} tokens, the context {model.n_ctx}",
            "Shorten the prompt, or raise model.n_ctx.",
        )
