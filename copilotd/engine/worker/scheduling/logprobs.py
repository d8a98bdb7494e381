"""Log probabilities of tokens, as they are reported: those of the model before any sampler."""

from collections.abc import Callable

from copilotd.engine.types import TokenLogprob
from copilotd.engine.worker.llama.sampling import Logits, log_probabilities, most_probable
from copilotd.engine.worker.llama.vocabulary import Vocabulary
from copilotd.engine.worker.scheduling.sequence import Sequence


class Scorer:
    """Scores tokens of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._piece = vocabulary.piece

    def chosen(self, sequence: Sequence, token: int, logits: Logits) -> TokenLogprob | None:
        """That of a token that was chosen from `logits`; None if it was not asked for."""
        if sequence.request.logprobs is None:
            return None
        return self._scored(token, logits, sequence.request.logprobs)

    def prompt(self, sequence: Sequence, count: int, logits: Callable[[int], Logits]) -> None:
        """Score the next `count` tokens: `logits(i)` behind each of them predict the next one."""
        start = sequence.evaluated
        if start == 0:
            first = sequence.tokens[0]
            sequence.scores.append(TokenLogprob(first, self._piece(first), None))
        wanted = sequence.request.logprobs or 0
        for i, token in enumerate(sequence.tokens[start + 1 : start + count + 1]):
            sequence.scores.append(self._scored(token, logits(i), wanted))

    def _scored(self, token: int, logits: Logits, alternatives: int) -> TokenLogprob:
        logprobs = log_probabilities(logits)
        top = most_probable(logprobs, alternatives, self._piece)
        return TokenLogprob(token, self._piece(token), float(logprobs[token]), top)
