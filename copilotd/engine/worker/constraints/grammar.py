"""Output that follows a grammar: only such tokens are chosen as may stand at their place.

The grammars are llguidance's (its Lark dialect, or its JSON), which computes the tokens that may
come next. A grammar with triggers is lazy: the model writes as it likes until its output matches
one of them, and what follows has to keep to the grammar. After llama.cpp's lazy grammars.
"""

import re

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from llguidance.llamacpp import lltokenizer_from_vocab
from numpy.typing import NDArray

from copilotd.engine.types import Grammar
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.vocabulary import Vocabulary
from copilotd.errors import InvalidRequest

Ids = NDArray[np.int64]
NONE: Ids = np.empty(0, np.int64)


class Guide:
    """Where one generation stands in its grammar."""

    def __init__(self, tokens: LLTokenizer, grammar: Grammar, openings: Ids = NONE) -> None:
        self._tokens = tokens
        self._openings, self._sure = openings, grammar.sure
        self._matcher = LLMatcher(tokens, grammar.text, log_level=0)
        if self._matcher.is_error():
            raise InvalidRequest(f"the grammar cannot be used: {self._matcher.get_error()}")
        self._triggers = [re.compile(trigger.encode(), re.DOTALL) for trigger in grammar.triggers]
        self._written = b""
        self._mask: NDArray[np.int32] = np.zeros((tokens.vocab_size + 31) // 32, np.int32)

    @property
    def is_waiting(self) -> bool:
        """Whether no trigger has been written yet, so that anything goes."""
        return bool(self._triggers)

    @property
    def is_done(self) -> bool:
        """Whether nothing can follow."""
        return not self.is_waiting and self._matcher.is_stopped()

    def apply(self, logits: Logits) -> Logits:
        """The logits with all tokens ruled out that may not come next."""
        if self.is_waiting:
            return logits if self._written.strip() else self._unless_sure(logits)
        self._matcher.unsafe_compute_mask_ptr(self._mask.ctypes.data, self._mask.nbytes)
        allowed = np.unpackbits(self._mask.view(np.uint8), bitorder="little")
        masked = np.full_like(logits, -np.inf)
        count = min(len(logits), len(allowed))
        masked[:count][allowed[:count] == 1] = logits[:count][allowed[:count] == 1]
        return masked

    def accept(self, token: int, text: bytes) -> None:
        """Take note of a chosen token, which reads `text`."""
        if not self.is_waiting:
            self._matcher.consume_token(token)
            return
        self._written += text
        for trigger in self._triggers:
            if found := trigger.search(self._written):
                begin = found.start(1) if found.re.groups else found.end()
                self._begin(self._written[begin:])
                return

    def _unless_sure(self, logits: Logits) -> Logits:
        """The logits without the openings, unless those are likely enough."""
        weights = np.exp(logits - logits.max())
        if weights[self._openings].sum() >= self._sure * weights.sum():
            return logits
        others = logits.copy()
        others[self._openings] = -np.inf
        return others

    def _begin(self, rest: bytes) -> None:
        """Follow the grammar from here on; a token may have written more than the trigger."""
        self._triggers = []
        if not self._matcher.consume_tokens(self._tokens.tokenize_bytes(rest)):
            # The model went another way within that very token, and is let go.
            self._triggers = [_NEVER]


_NEVER = re.compile(b"(?!)")


class Grammars:
    """Makes guides for the requests of one model."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._tokens: LLTokenizer | None = None

    def guide(self, grammar: Grammar | None) -> Guide | None:
        """For one generation; None if it is free. Raises: InvalidRequest."""
        if grammar is None:
            return None
        if self._tokens is None:
            # It takes a good part of a second, which most processes never need.
            ends = sorted(self._vocabulary.end_tokens)
            self._tokens = lltokenizer_from_vocab(self._vocabulary.handle, eos_token=ends)
        return Guide(self._tokens, grammar, self._beginning(grammar.openings))

    def _beginning(self, texts: list[str]) -> Ids:
        """The tokens with which one of `texts` may begin."""
        whole = [np.array(self._vocabulary.tokenize(text, special=True)[:1]) for text in texts]
        parts = [self._vocabulary.pieces.compatible(text.encode()) for text in texts]
        return np.unique(np.concatenate([NONE, *whole, *parts]))
