"""Token healing: the unfinished last word of a text constrains the first generated tokens.

A prompt that ends inside a word ends in tokens that the model never saw there: "retu" becomes
" ret" and "u", while its training text always has " return". So the tokens of the last word are
left out of the prompt, and generation begins with a `Constraint`: the bytes of the chosen tokens
must begin with the text that was left out. After "Token healing" in Lundberg's guidance, extended
from one token to the whole last word.
"""

from collections.abc import Sequence

import numpy as np

from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.token_bytes import TokenBytes

_LONGEST_WORD = 16
"""Maximum number of tokens of one word that are left out: a longer run of letters is not a word."""


class Constraint:
    """`remaining` are the bytes that the rest of the output has to begin with."""

    def __init__(self, vocabulary: TokenBytes, text: bytes) -> None:
        self._vocabulary = vocabulary
        self.remaining = text

    def apply(self, logits: Logits) -> Logits:
        """The logits of the tokens that agree with `remaining`; -inf for the others."""
        if not self.remaining:
            return logits
        allowed = self._vocabulary.find_compatible(self.remaining)
        masked = np.full_like(logits, -np.inf)
        masked[allowed] = logits[allowed]
        return masked

    def accept(self, piece: bytes) -> bytes:
        """Advance by the bytes of a chosen token; return the bytes beyond the constraint."""
        beyond = piece[len(self.remaining) :]
        self.remaining = self.remaining[len(piece) :]
        return beyond


UNCONSTRAINED = Constraint(TokenBytes([]), b"")


def count_safe_tokens(pieces: Sequence[bytes]) -> int:
    """How many tokens of a text, given by their bytes, come before its last word."""
    count = max(0, len(pieces) - 1)
    while count and len(pieces) - count < _LONGEST_WORD and _is_inside_word(pieces, count):
        count -= 1
    return count


def _is_inside_word(pieces: Sequence[bytes], index: int) -> bool:
    """Whether a word continues from the token before `index` to the token at `index`."""
    return _is_word(pieces[index - 1][-1:]) and _is_word(pieces[index][:1])


def _is_word(byte: bytes) -> bool:
    # Bytes beyond ASCII are parts of characters, and a character must not be split either.
    return byte.isalnum() or byte == b"_" or byte >= b"\x80"
