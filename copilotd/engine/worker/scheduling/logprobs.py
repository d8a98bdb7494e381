"""Log probabilities of tokens as clients get them: the model's own, before any sampler."""

from collections.abc import Callable

from copilotd.engine.types import TokenLogprob
from copilotd.engine.worker.backend import VocabularyBackend
from copilotd.engine.worker.llama.sampling import Logits, compute_logprobs, pick_alternatives
from copilotd.engine.worker.scheduling.sequence import Sequence


class LogprobScorer:
    """Scores the tokens of one vocabulary."""

    def __init__(self, vocabulary: VocabularyBackend) -> None:
        self._piece = vocabulary.token_to_piece

    def score_choice(self, sequence: Sequence, token: int, logits: Logits) -> TokenLogprob | None:
        """Score a token chosen from `logits`; None if the request wants no log probabilities."""
        if sequence.request.logprobs is None:
            return None
        return self._score(token, logits, sequence.request.logprobs)

    def score_prompt(self, sequence: Sequence, count: int, logits: Callable[[int], Logits]) -> None:
        """Score the next `count` tokens of the prompt; `logits(i)` come after the i-th token."""
        start = sequence.n_evaluated
        n_alternatives = sequence.request.logprobs or 0
        scores: list[TokenLogprob] = []
        if start == 0:
            first = sequence.tokens[0]
            scores.append(TokenLogprob(first, self._piece(first), None))
        for i, token in enumerate(sequence.tokens[start + 1 : start + count + 1]):
            scores.append(self._score(token, logits(i), n_alternatives))
        sequence.add_prompt_logprobs(scores)

    def _score(self, token: int, logits: Logits, n_alternatives: int) -> TokenLogprob:
        logprobs = compute_logprobs(logits)
        top = pick_alternatives(logprobs, n_alternatives, self._piece)
        return TokenLogprob(token, self._piece(token), float(logprobs[token]), top)
