"""A small model that drafts tokens for a large one with the same vocabulary.

It evaluates the same text in a KV cache of its own, one slice at a time, so that nobody waits long
for it. The large model decides what its drafts are worth (`speculation.py`). After Leviathan,
Kalman and Matias, "Fast Inference from Transformers via Speculative Decoding", for greedy output
only.
"""

from pathlib import Path

from msgspec.structs import replace

from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.tokens.common_prefix import common_prefix_length
from copilotd.engine.worker.backend import Backend, VocabularyBackend
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.llama.batch import N_UBATCH, BatchEntry, DecodeResult
from copilotd.engine.worker.scheduling.sequence import Sequence
from copilotd.errors import EngineLoadFailed

_MAX_SIZE_DIFFERENCE = 128
"""Models of one family differ in up to this many unused ids; llama.cpp allows the same number."""
_MAX_TAIL = 16
"""Up to this many new tokens are evaluated with the first guess: they cost little more than one."""
_SEQUENCE = 0
"""The one sequence in its cache."""


def make_draft_spec(spec: WorkerSpec) -> WorkerSpec:
    """The spec for the draft model of `spec`: like the large model, but for one text at a time."""
    path = spec.draft
    changes = {"n_seq": 1, "draft": "", "mmproj": "", "frugal": False}
    return replace(spec, path=path, name=Path(path).name, **changes)


class DraftModel:
    """Drafts for a model that has the vocabulary `target`.

    Raises:
        EngineLoadFailed: on construction, if the models cannot work together.
    """

    def __init__(
        self, name: str, model: Backend, target: VocabularyBackend, interrupt: Interrupt
    ) -> None:
        if not (model.can_generate and model.can_trim):
            raise _make_mismatch_error(name, "cannot remove tokens from its cache")
        if not _is_compatible(model.vocabulary, target):
            raise _make_mismatch_error(name, "has another vocabulary")
        self.name = name
        self._model = model
        self._interrupt = interrupt
        self._n_shared_ids = min(model.vocabulary.size, target.size)
        self._evaluated: list[int] = []

    def has_room(self, tokens: list[int], count: int) -> bool:
        """Whether its context has room for `tokens` and `count` guesses."""
        return len(tokens) + count <= self._model.n_ctx

    def count_unread(self, tokens: list[int]) -> int:
        """How many of `tokens` need a `prefill` before it can draft; the last few need none."""
        n_new = len(tokens) - 1 - self._count_shared(tokens)
        return n_new if n_new > _MAX_TAIL else 0

    def prefill(self, sequence: Sequence) -> int:
        """Evaluate the next slice of the sequence's tokens; return how many were evaluated."""
        tokens, start = sequence.tokens, self._count_shared(sequence.tokens)
        self._truncate(start)
        self._evaluate(sequence, tokens[start : min(start + N_UBATCH, len(tokens) - 1)])
        return len(self._evaluated) - start

    def draft(self, sequence: Sequence, count: int) -> tuple[int, ...]:
        """The `count` most probable next tokens; none if it is interrupted.

        There has to be room for these tokens, and nothing left to `prefill`.
        """
        tokens, start = sequence.tokens, self._count_shared(sequence.tokens)
        self._truncate(start)
        draft: list[int] = []
        new = tokens[start:]
        while len(draft) < count:
            if not self._evaluate(sequence, new):
                return ()
            new = [self._pick_most_probable(len(new) - 1)]
            draft += new
        return tuple(draft)

    def _pick_most_probable(self, index: int) -> int:
        """The best token that both models have, after entry `index` of the last batch."""
        return int(self._model.logits(index)[: self._n_shared_ids].argmax())

    def _count_shared(self, tokens: list[int]) -> int:
        return min(common_prefix_length(self._evaluated, tokens), len(tokens) - 1)

    def _truncate(self, length: int) -> None:
        if length < len(self._evaluated):
            self._model.trim(_SEQUENCE, length)
            del self._evaluated[length:]

    def _evaluate(self, sequence: Sequence, tokens: list[int]) -> bool:
        """Evaluate `tokens`; False if it is interrupted, and then the finished part is kept."""
        start, last = len(self._evaluated), len(tokens) - 1
        entries = [BatchEntry(t, start + i, _SEQUENCE, i == last) for i, t in enumerate(tokens)]
        self._interrupt.begin_batch({sequence.id}, sequence.request.lane)
        try:
            result = self._model.decode(entries)
        finally:
            self._interrupt.end_batch()
        self._evaluated += tokens[: self._model.cached_length(_SEQUENCE) - start]
        return result is DecodeResult.DONE


def _is_compatible(small: VocabularyBackend, large: VocabularyBackend) -> bool:
    """Whether each id means the same token in both vocabularies."""
    shared = range(min(small.size, large.size))
    return (
        abs(small.size - large.size) <= _MAX_SIZE_DIFFERENCE
        and (small.bos, small.eos, small.add_bos) == (large.bos, large.eos, large.add_bos)
        and all(small.token_to_piece(token) == large.token_to_piece(token) for token in shared)
    )


def _make_mismatch_error(name: str, reason: str) -> EngineLoadFailed:
    return EngineLoadFailed(
        f"{name} {reason}, so it cannot draft for this model",
        'Set model.draft (or chat.draft) to a smaller model of the same family, or to "".',
    )
