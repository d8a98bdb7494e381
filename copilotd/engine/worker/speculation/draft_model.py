"""A small model that guesses what a large one of the same vocabulary goes on with.

It reads the text along in a cache of its own, a slice at a time, so that nobody waits for it long.
What its guesses are worth is for the large one to say (`speculation.py`). After Leviathan, Kalman
and Matias, "Fast Inference from Transformers via Speculative Decoding", for greedy output only.
"""

from pathlib import Path

from msgspec.structs import replace

from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.tokens.common_prefix import common_prefix
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.llama.model import N_UBATCH, Decoded, Entry, Model
from copilotd.engine.worker.llama.vocabulary import Vocabulary
from copilotd.engine.worker.scheduling.sequence import Sequence
from copilotd.errors import EngineLoadFailed

_SPARE_TOKENS = 128
"""Models of one family differ in so many ids that stand for nothing, as llama.cpp has it too."""
_FEW = 16
"""So many new tokens are read with the first guess: they cost little more than one."""
_ONLY = 0
"""The one sequence in its cache."""


def spec_of(spec: WorkerSpec) -> WorkerSpec:
    """How the small model of `spec` is loaded: as the large one is, for one text at a time."""
    path = spec.draft
    alone = {"n_seq": 1, "draft": "", "mmproj": "", "frugal": False}
    return replace(spec, path=path, name=Path(path).name, **alone)


class Drafter:
    """Guesses for whoever decodes by the `large` vocabulary.

    Raises:
        EngineLoadFailed: on construction, if the models cannot work together.
    """

    def __init__(self, model: Model, large: Vocabulary, interrupt: Interrupt) -> None:
        if not (model.writes and model.can_trim):
            raise _unfit(model, "cannot take back what it has read")
        if not _agree(model.vocabulary, large):
            raise _unfit(model, "has another vocabulary")
        self._model = model
        self._interrupt = interrupt
        self._known = min(model.vocabulary.size, large.size)
        self._read: list[int] = []

    @property
    def name(self) -> str:
        """What the small model is called."""
        return self._model.info.name

    def has_room(self, tokens: list[int], count: int) -> bool:
        """Whether it can hold `tokens` and `count` guesses."""
        return len(tokens) + count <= self._model.n_ctx

    def unread(self, tokens: list[int]) -> int:
        """How many of `tokens` it has to `read` before it can guess; not the last few."""
        new = len(tokens) - 1 - self._common(tokens)
        return new if new > _FEW else 0

    def read(self, sequence: Sequence) -> int:
        """Read on in what `sequence` holds, a slice at most; the number of tokens read."""
        tokens, start = sequence.tokens, self._common(sequence.tokens)
        self._forget(start)
        self._evaluate(sequence, tokens[start : min(start + N_UBATCH, len(tokens) - 1)])
        return len(self._read) - start

    def guess(self, sequence: Sequence, count: int) -> tuple[int, ...]:
        """The `count` tokens that it goes on with; none if it is stopped.

        There has to be room for them, and nothing left to `read`.
        """
        tokens, start = sequence.tokens, self._common(sequence.tokens)
        self._forget(start)
        guesses: list[int] = []
        new = tokens[start:]
        while len(guesses) < count:
            if not self._evaluate(sequence, new):
                return ()
            new = [self._likeliest(len(new) - 1)]
            guesses += new
        return tuple(guesses)

    def _likeliest(self, index: int) -> int:
        """Of the tokens that both models have, the one behind entry `index` of the last batch."""
        return int(self._model.logits(index)[: self._known].argmax())

    def _common(self, tokens: list[int]) -> int:
        return min(common_prefix(self._read, tokens), len(tokens) - 1)

    def _forget(self, start: int) -> None:
        if start < len(self._read):
            self._model.trim(_ONLY, start)
            del self._read[start:]

    def _evaluate(self, sequence: Sequence, tokens: list[int]) -> bool:
        """Whether all of `tokens` were; what was interrupted is read as far as it is done."""
        start, last = len(self._read), len(tokens) - 1
        entries = [Entry(t, start + i, _ONLY, i == last) for i, t in enumerate(tokens)]
        self._interrupt.begin({sequence.id}, sequence.request.lane)
        try:
            outcome = self._model.decode(entries)
        finally:
            self._interrupt.end()
        self._read += tokens[: self._model.length(_ONLY) - start]
        return outcome is Decoded.DONE


def _agree(small: Vocabulary, large: Vocabulary) -> bool:
    """Whether an id means the same to both."""
    known = range(min(small.size, large.size))
    return (
        abs(small.size - large.size) <= _SPARE_TOKENS
        and (small.bos, small.eos, small.add_bos) == (large.bos, large.eos, large.add_bos)
        and all(small.piece(token) == large.piece(token) for token in known)
    )


def _unfit(model: Model, why: str) -> EngineLoadFailed:
    return EngineLoadFailed(
        f"{model.info.name} {why}, so it can draft nothing for this model",
        'Set model.draft (or chat.draft) to a smaller model of the same family, or to "".',
    )
