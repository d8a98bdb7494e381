"""Output that follows a grammar: only tokens that it allows are chosen.

llguidance reads the grammars (in its Lark dialect, or its JSON) and computes the tokens that may
come next. A grammar with triggers is lazy: the model writes freely until its output matches a
trigger, and then the output has to follow the grammar. After llama.cpp's lazy grammars.
"""

import re

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from llguidance.llamacpp import lltokenizer_from_vocab
from numpy.typing import NDArray

from copilotd.engine.types import Grammar
from copilotd.engine.worker.backend import VocabularyBackend
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.errors import InvalidRequest

TokenIds = NDArray[np.int64]
_NO_TOKENS: TokenIds = np.empty(0, np.int64)
_NEVER = re.compile(b"(?!)")
"""Matches nothing."""


class GrammarMatcher:
    """The state of one generation in its grammar."""

    def __init__(
        self, tokenizer: LLTokenizer, grammar: Grammar, openings: TokenIds = _NO_TOKENS
    ) -> None:
        self._tokenizer = tokenizer
        self._openings, self._min_probability = openings, grammar.min_opening_probability
        self._matcher = LLMatcher(tokenizer, grammar.text, log_level=0)
        if self._matcher.is_error():
            raise InvalidRequest(f"the grammar cannot be used: {self._matcher.get_error()}")
        self._triggers = [re.compile(trigger.encode(), re.DOTALL) for trigger in grammar.triggers]
        self._written = b""
        self._mask: NDArray[np.int32] = np.zeros((tokenizer.vocab_size + 31) // 32, np.int32)

    @property
    def is_waiting(self) -> bool:
        """Whether no trigger has been written yet, so that any token is allowed."""
        return bool(self._triggers)

    @property
    def is_done(self) -> bool:
        """Whether the grammar allows no further token."""
        return not self.is_waiting and self._matcher.is_stopped()

    def apply(self, logits: Logits) -> Logits:
        """The logits of the tokens that may come next; -inf for the others."""
        if self.is_waiting:
            return logits if self._written.strip() else self._mask_unlikely_openings(logits)
        self._matcher.unsafe_compute_mask_ptr(self._mask.ctypes.data, self._mask.nbytes)
        allowed = np.unpackbits(self._mask.view(np.uint8), bitorder="little")
        masked = np.full_like(logits, -np.inf)
        count = min(len(logits), len(allowed))
        masked[:count][allowed[:count] == 1] = logits[:count][allowed[:count] == 1]
        return masked

    def accept(self, token: int, piece: bytes) -> None:
        """Advance by a chosen token, whose bytes are `piece`."""
        if not self.is_waiting:
            self._matcher.consume_token(token)
            return
        self._written += piece
        for trigger in self._triggers:
            if match := trigger.search(self._written):
                start = match.start(1) if match.re.groups else match.end()
                self._follow_grammar(self._written[start:])
                return

    def _mask_unlikely_openings(self, logits: Logits) -> Logits:
        """The logits without the openings, unless these are likely enough together."""
        weights = np.exp(logits - logits.max())
        if weights[self._openings].sum() >= self._min_probability * weights.sum():
            return logits
        masked = logits.copy()
        masked[self._openings] = -np.inf
        return masked

    def _follow_grammar(self, written: bytes) -> None:
        """Follow the grammar from now on; a token may have `written` text beyond the trigger."""
        self._triggers = []
        if not self._matcher.consume_tokens(self._tokenizer.tokenize_bytes(written)):
            # This same token already breaks the grammar, so the model goes on without the grammar.
            self._triggers = [_NEVER]


class GrammarCompiler:
    """Compiles the grammars of requests for one vocabulary."""

    def __init__(self, vocabulary: VocabularyBackend) -> None:
        self._vocabulary = vocabulary
        self._tokenizer: LLTokenizer | None = None

    def compile(self, grammar: Grammar | None) -> GrammarMatcher | None:
        """A matcher for one generation; None without a grammar. Raises: InvalidRequest."""
        if grammar is None:
            return None
        if self._tokenizer is None:
            # This takes a good part of a second, and most processes never need it.
            ends = sorted(self._vocabulary.end_tokens)
            self._tokenizer = lltokenizer_from_vocab(self._vocabulary.handle, eos_token=ends)
        return GrammarMatcher(self._tokenizer, grammar, self._find_openings(grammar.openings))

    def _find_openings(self, texts: list[str]) -> TokenIds:
        """The tokens that one of `texts` may begin with."""
        whole = [np.array(self._vocabulary.tokenize(text, special=True)[:1]) for text in texts]
        parts = [self._vocabulary.token_bytes.find_compatible(text.encode()) for text in texts]
        return np.unique(np.concatenate([_NO_TOKENS, *whole, *parts]))
